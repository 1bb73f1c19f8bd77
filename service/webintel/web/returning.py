"""Where to go after signing in."""

from urllib.parse import quote, urlsplit

START = "/"
SIGN_IN = "/login"
_MAX_LENGTH = 2000


def safe_path(text: str | None) -> str:
    """Give a path of this site, or the start for anything that may lead elsewhere.

    Browsers read a backslash as a slash, drop tabs and line ends, and take `//host` for another site.
    """
    if not text or len(text) > _MAX_LENGTH or not text.startswith("/") or text[1:2] in ("/", "\\"):
        return START
    if any(character <= " " or character in '\\\x7f"<>' for character in text):
        return START
    return START if text.split("?")[0] == SIGN_IN else text


def path_of(url: str) -> str:
    """Give the path and query of an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return START
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def sign_in_path(then: str) -> str:
    """Give the address of the sign-in page that leads back to where one was."""
    target = safe_path(then)
    return SIGN_IN if target == START else f"{SIGN_IN}?next={quote(target, safe='/')}"
