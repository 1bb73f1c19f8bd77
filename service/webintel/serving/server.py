"""Serving an application: one process, which says that it will end before it does."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from litestar import Litestar

DRAIN_SECONDS = 1.0
GRACEFUL_SECONDS = 25
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048


class DrainingServer(uvicorn.Server):
    """On SIGTERM: readiness turns 503, requests are served a little longer, those in flight finish, exit code 0."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], drain_seconds: float) -> None:
        super().__init__(config)
        self._announce = announce
        self._drain_seconds = drain_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals ourselves: uvicorn would raise them again at the end, and the exit code would not be 0."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop, self._drain_seconds)
        loop.add_signal_handler(signal.SIGINT, self._stop, 0.0)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            loop.remove_signal_handler(signal.SIGINT)

    def _stop(self, after_seconds: float) -> None:
        if self.should_exit:
            self.force_exit = True
            return
        self._announce()
        asyncio.get_running_loop().call_later(after_seconds, self._exit)

    def _exit(self) -> None:
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        OSError: somebody else has it, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


async def serve(
    app: Litestar, listener: socket.socket, *, announce: Callable[[], None], drain_seconds: float = DRAIN_SECONDS
) -> None:
    """Serve until a signal ends it.

    Args:
        app: the application.
        listener: the port, taken.
        announce: called with the first signal: readiness must say 503 from then on.
        drain_seconds: how long requests are still served after SIGTERM.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The client's address comes from our own count of trusted proxies; nobody else's word is taken for it.
        proxy_headers=False,
        forwarded_allow_ips="",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    await DrainingServer(config, announce, drain_seconds).serve([listener])
