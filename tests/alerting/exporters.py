"""What a cluster's exporters say: recorded text where no cluster is here, and a real look at PostgreSQL.

The recorded text shows that the names and labels of our queries fit together with each other; it does not show that
kube-state-metrics, cAdvisor, CloudNativePG, cert-manager or Argo CD of the versions in `gitops/operators` still say so.
"""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg

from webintel.db.engine import driver_dsn

RECORDED = Path(__file__).with_name("cluster.prom")
HOUR, DAY = 3600, 86400


class Exporters:
    """Serves `/metrics`, of this moment."""

    def __init__(self, database_url: str) -> None:
        self._database = driver_dsn(database_url)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def text(self) -> str:
        """Say what is so now; only whether PostgreSQL answers is found out, all else is as it was recorded."""
        now = time.time()
        return RECORDED.read_text().format(
            database_up=int(asyncio.run(self._answers())),
            an_hour_ago=now - HOUR,
            in_60_days=now + 60 * DAY,
        )

    async def _answers(self) -> bool:
        try:
            # A slow machine is no database that is down: then the scrape fails, and says nothing.
            async with asyncio.timeout(10):
                connection = await asyncpg.connect(self._database)
                try:
                    return bool(await connection.fetchval("SELECT 1") == 1)
                finally:
                    await connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        say = self.text

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = say().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
