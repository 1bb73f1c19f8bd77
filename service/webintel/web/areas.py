"""What an area of the UI gives to the application."""

from collections.abc import Sequence

import msgspec
from litestar.types import ControllerRouterHandler


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Some pages that belong together.

    Attributes:
        routes: its handlers.
        title: what the navigation calls it; none for pages that are reached from another area.
        path: where it begins; the navigation marks it on every page below.
        permission: what a person must be allowed, to see it in the navigation.
    """

    routes: Sequence[ControllerRouterHandler]
    title: str | None = None
    path: str = "/"
    permission: str = "read"

    def holds(self, path: str) -> bool:
        """Tell whether a page is one of this area's."""
        return path == self.path or path.startswith(f"{self.path.rstrip('/')}/" if self.path != "/" else "//")
