"""Query parameters that lists have in common."""

from typing import Annotated

from litestar.params import QueryParameter

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many items a page holds at most.")]
CursorText = Annotated[
    str | None,
    QueryParameter(name="cursor", max_length=1000, description="`next_cursor` of the page before; none for the first."),
]
