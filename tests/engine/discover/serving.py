"""Serves a generated site on a loopback address and visits it with the real fetcher."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from webintel.engine.discover import Crawl, CrawlPlan, crawl
from webintel.engine.fetch import ConnectTo, Fetcher, FetchOptions

Answer = tuple[int, str, str]
Site = Callable[[str], Answer]


@contextmanager
def serving(site: Site) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, media_type, text = site(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{media_type}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def visit(site: Site, home: str, *, max_pages: int = 150, plan: CrawlPlan | None = None) -> Crawl:
    with serving(site) as port:
        options = FetchOptions(
            max_pages=max_pages,
            delay=0.0,
            connect_to=(ConnectTo(host=urlsplit(home).hostname or "", port=80, address="127.0.0.1", target_port=port),),
            allow_private=("127.0.0.0/8",),
        )
        async with Fetcher(options) as fetcher:
            start = await fetcher.get(home)
            return await crawl(fetcher, start, plan=plan)
