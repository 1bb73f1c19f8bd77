"""Connections that only ever lead to allowed addresses: names are resolved once, and what was checked is dialled."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from ipaddress import ip_address
from itertools import zip_longest
from typing import Final

import httpcore
import httpx

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch.address import IPAddress, parse_networks, refusal
from webintel.engine.fetch.gate import host_address, is_internal_name, parse_host
from webintel.engine.fetch.options import FetchOptions

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Turns a host name and port into IP addresses, best first."""

STANDARD_PORTS: Final = frozenset({80, 443})
_MAX_ADDRESSES: Final = 4
_MAX_CONNECTIONS: Final = 20
_KEEPALIVE_SECONDS: Final = 30.0

_SocketOptions = Iterable[httpcore.SOCKET_OPTION]


# Threads of their own: a name server that hangs must not keep the loop's default ones from other work.
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolving, ask)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressPolicy:
    """Decides where a URL's host and port may lead."""

    def __init__(self, options: FetchOptions) -> None:
        self._rules = options.connect_to
        self._networks = parse_networks(options.allow_private)
        self._ports = STANDARD_PORTS.union(options.allow_ports)

    def route(self, host: str, port: int) -> tuple[str, int]:
        """Apply the connect-to rules and judge all that can be judged without resolving.

        Args:
            host: as `parse_host` gives it.
            port: the URL's port.

        Returns:
            The host and port to dial.

        Raises:
            EngineError: FORBIDDEN_ADDRESS.
        """
        rule = next((rule for rule in self._rules if rule.matches(host, port)), None)
        dialled_host, dialled_port = host, port
        if rule is not None:
            dialled_host, dialled_port = rule.address or host, rule.target_port or port
        if dialled_port not in self._ports and (rule is None or rule.target_port is None):
            raise EngineError(
                ErrorCode.FORBIDDEN_ADDRESS,
                f"{host} is not visited on port {port}: only ports 80 and 443 are open.",
                "Use the site's standard port, or allow this one in the fetch options.",
            )
        address = host_address(dialled_host)
        if address is not None:
            self.check(host, address)
        elif not self._networks and is_internal_name(dialled_host):
            raise EngineError(ErrorCode.FORBIDDEN_ADDRESS, f"{dialled_host} is not a public name.")
        return dialled_host, dialled_port

    def check(self, host: str, address: IPAddress) -> None:
        """Refuse an address that is neither public nor in an allowed network."""
        reason = refusal(address)
        if reason is None or any(address in network for network in self._networks):
            return
        leads = "" if host == str(address) else f"{host} leads to "
        raise EngineError(ErrorCode.FORBIDDEN_ADDRESS, f"{leads}{address}, which is not a public address ({reason}).")


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of the HTTP client, each to an address that the policy has seen."""

    def __init__(
        self,
        policy: AddressPolicy,
        resolver: Resolver = resolve,
        dialler: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._dialler = dialler or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: _SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and dial the first checked address that answers."""
        dialled_host, dialled_port = self._policy.route(parse_host(f"[{host}]" if ":" in host else host), port)
        addresses = _alternate(await self._addresses(host, dialled_host, dialled_port))[:_MAX_ADDRESSES]
        share = timeout / len(addresses) if timeout and addresses else timeout
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._dialler.connect_tcp(str(address), dialled_port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        if failure is None:
            raise EngineError(ErrorCode.DOMAIN_NOT_FOUND, f"{dialled_host} has no address.")
        raise failure

    async def _addresses(self, host: str, dialled_host: str, port: int) -> list[IPAddress]:
        """Give the allowed addresses of a host; one that is refused is never dialled, whatever stands beside it."""
        literal = host_address(dialled_host)
        if literal is not None:
            return [literal]
        allowed: list[IPAddress] = []
        refused: EngineError | None = None
        for text in await self._resolve(dialled_host, port):
            try:
                address = ip_address(text)
                self._policy.check(host, address)
            except ValueError:
                refused = EngineError(ErrorCode.FORBIDDEN_ADDRESS, f"{host} leads to {text}, which is not visited.")
            except EngineError as error:
                refused = error
            else:
                allowed.append(address)
        if refused is not None and not allowed:
            raise refused
        return allowed

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            return await self._resolver(host, port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                message = f"The name server for {host} does not answer."
            else:
                message = f"{host} is not known to the domain name system."
            raise EngineError(ErrorCode.DOMAIN_NOT_FOUND, message) from error
        except (OSError, UnicodeError) as error:
            raise EngineError(ErrorCode.DOMAIN_NOT_FOUND, f"{host} cannot be resolved.") from error


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool that connects through a guarded backend."""

    def __init__(self, backend: GuardedBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=_MAX_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            http1=True,
            http2=True,
            network_backend=backend,
        )

    async def discard_idle(self) -> None:
        """Close idle connections, so that a stream given up half-way cannot go on filling one."""
        for connection in self._pool.connections:
            if isinstance(connection, httpcore.AsyncConnectionInterface) and connection.is_idle():
                await connection.aclose()


def _alternate(addresses: list[IPAddress]) -> list[IPAddress]:
    """Take the families in turn, so that a network without one of them still gets to the other in time."""
    first = [address for address in addresses if address.version == addresses[0].version]
    other = [address for address in addresses if address.version != addresses[0].version]
    return [address for pair in zip_longest(first, other) for address in pair if address is not None]


@lru_cache(maxsize=4)
def _ssl_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Build the context once for all visits, since reading the authorities takes longer than a page."""
    if cert_file or cert_dir:
        return ssl.create_default_context(cafile=cert_file or None, capath=cert_dir or None)
    return httpx.create_ssl_context(trust_env=False)
