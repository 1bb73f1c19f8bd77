"""What PostgreSQL keeps of a password, made here so that the password itself is in no statement and no log."""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

ITERATIONS = 4096
"""PostgreSQL's own number."""
_SALT_BYTES = 16


def scram_verifier(password: str) -> str:
    """Give the SCRAM-SHA-256 verifier that `ALTER ROLE ... PASSWORD` takes (RFC 5803)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_encoded(salt)}${_encoded(stored)}:{_encoded(server)}"


def _prepared(password: str) -> str:
    """Spell it as clients do before they use it (RFC 4013)."""
    mapped = (" " if stringprep.in_table_c12(one) else one for one in password if not stringprep.in_table_b1(one))
    return unicodedata.normalize("NFKC", "".join(mapped))


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
