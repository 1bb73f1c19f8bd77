"""Sites of our own, played on a loopback address, together with what is true of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from webintel.demo.server import Reply, Request, RunningSite, Site
from webintel.engine.model import PageKind


@dataclass(frozen=True)
class Truth:
    """What a scan of the site should find."""

    categories: frozenset[str]
    """Paths of the category pages."""
    kinds: Mapping[PageKind, Sequence[str]]
    """Some paths of each kind of page."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Path to field name to value."""


def play(site: Site) -> RunningSite:
    """Serve a site on a free port for as long as the context lasts."""
    return RunningSite(site)


def static(paths: Mapping[str, Reply | str | bytes], domain: str) -> Site:
    """Make a site of finished pages, by path and query; a sitemap and a robots.txt that names it come by themselves."""
    replies = {path: page if isinstance(page, Reply) else Reply(_bytes(page)) for path, page in paths.items()}
    replies.setdefault("/sitemap.xml", Reply(sitemap(domain, sorted(replies)), content_type="application/xml"))
    robots = f"User-agent: *\nDisallow: /private/\nSitemap: http://{domain}/sitemap.xml\n"
    replies.setdefault("/robots.txt", Reply(robots.encode(), content_type="text/plain"))

    def site(request: Request) -> Reply:
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        target = f"{request.path}?{query}" if query else request.path
        return replies.get(target) or Reply(document("Not found", "<h1>Not found</h1>"), status=404)

    return site


def sitemap(domain: str, paths: Iterable[str]) -> bytes:
    """List pages the way search engines like it."""
    urls = "".join(f"<url><loc>http://{domain}{path.replace('&', '&amp;')}</loc></url>" for path in paths)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


def document(title: str, body: str, head: str = "") -> bytes:
    """Wrap a body."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{body}</body></html>"
    ).encode()


def link_list(links: Iterable[tuple[str, str]], css_class: str = "") -> str:
    """Make a list of links from (path, text)."""
    items = "".join(f'<li><a href="{path}">{text}</a></li>' for path, text in links)
    return f'<ul class="{css_class}">{items}</ul>'


def _bytes(page: str | bytes) -> bytes:
    return page.encode() if isinstance(page, str) else page
