"""Password hashes: argon2id, off the event loop, a bounded number at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

MAX_PARALLEL_HASHES = 4
"""Each holds 64 MiB while it runs."""

# The defaults of argon2-cffi (64 MiB, 3 passes) lie above the floor that OWASP asks for (19 MiB, 2 passes).
_hasher = PasswordHash((Argon2Hasher(),))
_threads = ThreadPoolExecutor(MAX_PARALLEL_HASHES, thread_name_prefix="passwords")
_dummy_hash = ""


async def hash_password(password: str) -> str:
    """Hash a password for storing."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Compare a password with a stored hash; without one, take as long and answer no."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, password, password_hash)


def _verify(password: str, password_hash: str | None) -> bool:
    global _dummy_hash  # noqa: PLW0603 - made on first use, because it costs as much as a sign-in
    if password_hash is None:
        _dummy_hash = _dummy_hash or _hasher.hash("nobody's password")
    try:
        matches = _hasher.verify(password, password_hash or _dummy_hash)
    except PwdlibError:
        return False
    return matches and password_hash is not None
