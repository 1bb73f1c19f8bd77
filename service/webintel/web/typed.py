"""What people type wrong most, told in their words; the API judges the rest."""

from webintel.problems import InvalidInput

SHORTEST_PASSWORD = 12


def new_password(field: str, text: str) -> str:
    """Give a password that is long enough.

    Raises:
        InvalidInput: it is not.
    """
    if len(text) < SHORTEST_PASSWORD:
        raise InvalidInput.of(field, f"Use at least {SHORTEST_PASSWORD} characters.")
    return text


def address(field: str, text: str) -> str:
    """Give an e-mail address.

    Raises:
        InvalidInput: it is none.
    """
    local, _, domain = text.strip().partition("@")
    if not (local and domain and text.isascii() and " " not in text.strip()):
        raise InvalidInput.of(field, "Give an address such as ada@shop.example.")
    return text.strip()


def name(field: str, text: str) -> str:
    """Give a name that is not empty.

    Raises:
        InvalidInput: it is.
    """
    if not text.strip():
        raise InvalidInput.of(field, "Give a name.")
    return text.strip()
