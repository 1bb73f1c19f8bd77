"""Whom a request comes from, behind proxies of ours."""

import ipaddress

from litestar.types import Scope


def client_address(scope: Scope, trusted_proxy_hops: int) -> str:
    """Give the address that a request comes from.

    Each proxy of ours appends the address that it sees, so only that many entries from the right can be believed;
    what stands further left is whatever the client chose to write.
    """
    peer = scope["client"][0] if scope.get("client") else ""  # type: ignore[index]
    if trusted_proxy_hops == 0:
        return peer
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    if len(hops) < trusted_proxy_hops:
        return peer
    try:
        return str(ipaddress.ip_address(hops[-trusted_proxy_hops]))
    except ValueError:
        return peer
