"""What a fetch hands over."""

import msgspec

Headers = tuple[tuple[str, str], ...]


class Response(msgspec.Struct, frozen=True):
    """An answer with its body read and decompressed; the status is below 400."""

    requested_url: str
    url: str
    """Where the redirects ended."""
    status: int
    headers: Headers
    """Names in lower case, in the order they were sent."""
    body: bytes
    redirects: tuple[str, ...]
    """The URLs that redirected, first to last."""
    elapsed_seconds: float

    def header(self, name: str) -> str | None:
        """Give the first value of a header."""
        return find_header(self.headers, name)

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case; empty where none was sent."""
        return media_type(self.headers)


def find_header(headers: Headers, name: str) -> str | None:
    """Give the first value of a header, whose names are in lower case."""
    wanted = name.lower()
    return next((value for header, value in headers if header == wanted), None)


def media_type(headers: Headers) -> str:
    """Give the content type without parameters, in lower case."""
    return (find_header(headers, "content-type") or "").partition(";")[0].strip().lower()
