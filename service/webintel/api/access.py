"""What a route says about who may call it."""

from typing import Any

from webintel.accounts.roles import Permission

PERMISSION_OPT = "permission"
UNLIMITED_OPT = "unlimited"
API_KEY_HEADER = "X-API-Key"


def allow(permission: Permission, **options: Any) -> dict[str, Any]:
    """Say in a route's `opt` who may call it; a route that says nothing is closed to everybody."""
    return {PERMISSION_OPT: permission, **options}
