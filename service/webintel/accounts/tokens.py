"""Access tokens (JWT), refresh tokens and API keys: making and checking them."""

import base64
import hashlib
import hmac
import secrets
import zlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import msgspec

ALGORITHM = "HS256"
ISSUER = "webintel"
AUDIENCE = "webintel-api"
API_KEY_MARK = "wip_"
API_KEY_PREFIX_LENGTH = 12


class AccessClaims(msgspec.Struct, frozen=True):
    """Whom an access token speaks for."""

    user_id: UUID
    token_version: int
    expires_at: float


class AccessTokens:
    """Signs with the current key and accepts the previous one: a change of keys signs nobody out."""

    def __init__(self, secret: str, previous_secret: str | None = None, *, lifetime: timedelta) -> None:
        self.lifetime = lifetime
        self._key_id, self._key = _signing_key(secret)
        self._keys = {self._key_id: self._key}
        if previous_secret:
            self._keys.update([_signing_key(previous_secret)])

    def issue(self, user_id: UUID, token_version: int) -> str:
        """Make a token for one person."""
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
            "jti": uuid4().hex,
            "ver": token_version,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> AccessClaims | None:
        """Give what a token says, or none for anything but a valid token of ours."""
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"], "strict_aud": True},
            )
            return AccessClaims(UUID(claims["sub"]), int(claims["ver"]), float(claims["exp"]))
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None


def _signing_key(secret: str) -> tuple[str, bytes]:
    """Derive the key and its public name, so that the secret can serve other purposes too."""
    key = hmac.digest(secret.encode(), b"webintel access token", hashlib.sha256)
    return hashlib.sha256(key).hexdigest()[:16], key


def new_refresh_token() -> str:
    """Make an opaque token."""
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    """Make a key of 32 random bytes and a checksum, which lets scanners and us tell a typing error from a wrong key."""
    body = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    return f"{API_KEY_MARK}{body}{_checksum(body)}"


def is_api_key(candidate: str) -> bool:
    """Tell whether this has the form of a key of ours."""
    if not candidate.isascii() or not candidate.startswith(API_KEY_MARK):
        return False
    body, checksum = candidate[len(API_KEY_MARK) : -8], candidate[-8:]
    return len(body) == 43 and hmac.compare_digest(_checksum(body), checksum)


def token_hash(token: str) -> bytes:
    """Give the form in which opaque tokens and keys are stored."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
