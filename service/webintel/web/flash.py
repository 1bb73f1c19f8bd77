"""One message that outlives a redirect, in a cookie of a minute."""

import base64
import binascii
from enum import StrEnum

import msgspec

COOKIE = "flash"
SECONDS = 60
_MAX_TEXT = 400


class Tone(StrEnum):
    """How to say it."""

    GOOD = "good"
    BAD = "bad"
    INFO = "info"


class Flash(msgspec.Struct, frozen=True, array_like=True):
    """What to say on the next page."""

    tone: Tone
    text: str

    def encode(self) -> str:
        """Write it as a cookie's value."""
        short = Flash(self.tone, self.text[:_MAX_TEXT])
        return base64.urlsafe_b64encode(msgspec.json.encode(short)).rstrip(b"=").decode()


def read_flash(value: str | None) -> Flash | None:
    """Read a cookie's value; anything that is not ours says nothing."""
    if not value:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)), type=Flash)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
