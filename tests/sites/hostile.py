"""Sites that mean no good, or do none."""
# ruff: noqa: E501 - markup reads better unbroken

import gzip
import time
from collections.abc import Iterator

from tests.sites.player import document, sitemap
from webintel.demo.server import Reply, Request

HOSTILE_DOMAIN = "hostile.test"


def forbids_all(request: Request) -> Reply:
    """robots.txt lets nobody in."""
    if request.path == "/robots.txt":
        return Reply(b"User-agent: *\nDisallow: /\n", content_type="text/plain")
    return Reply(document("Private", '<h1>Private</h1><a href="/more">more</a>'))


def empty(request: Request) -> Reply:
    """Answers, with nothing."""
    return Reply() if request.path == "/" else Reply(status=404)


def browser_only(request: Request) -> Reply:
    """Nothing to see without a browser."""
    if request.path != "/":
        return Reply(status=404)
    return Reply(
        document("App", '<div id="root"></div><noscript>Enable JavaScript.</noscript><script src="/app.js"></script>')
    )


def login_wall(request: Request) -> Reply:
    """Every page leads to the door."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    if request.path != "/login":
        return Reply(status=302, headers={"Location": f"/login?next={request.path}"})
    form = '<h1>Sign in</h1><form method="post"><input name="user"><input type="password" name="password"><button>Sign in</button></form>'
    return Reply(document("Sign in", form))


def login_at_the_door(request: Request) -> Reply:
    """The front page is the login, and there is no other."""
    if request.path != "/":
        return Reply(status=404)
    form = (
        '<form method="post"><input name="user"><input type="password" name="password"><button>Sign in</button></form>'
    )
    return Reply(document("Sign in", f"<h1>Sign in</h1>{form}"))


def endless_redirect(request: Request) -> Reply:
    """Sends visitors on and on."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    step = int(request.query.get("step", "0"))
    return Reply(status=302, headers={"Location": f"/?step={step + 1}"})


def never_ending(request: Request) -> Reply:
    """A page that goes on for ever, as fast as it is read."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    return Reply(_for_ever(b"<p>and another thing</p>" * 400))


def dripping(request: Request) -> Reply:
    """A page that comes a byte at a time."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    return Reply(_drip())


def gzip_zeros(request: Request) -> Reply:
    """Five gigabytes of zeros behind a small compressed reply."""
    if request.path == "/robots.txt":
        return Reply(status=404)
    return Reply(_zeros(), headers={"Content-Encoding": "gzip"})


def broken_html(request: Request) -> Reply:
    """Markup that no validator has ever seen."""
    number = request.path.strip("/").removeprefix("item-")
    if request.path == "/":
        items = "".join(f"<li><a href=item-{n}>Thing {n}<b><i></a>" for n in range(1, 13))
        return Reply(f"<title>Broken</title><h1>Things</h2><ul>{items}<table><div></p></table><!-- <script>".encode())
    if not number.isdecimal():
        return Reply(status=404)
    return Reply(
        f"<html><html><body class=a class=b><div><div><h1>Thing {number}</div></h1><p>A thing of the {number}th kind, "
        f"much like its neighbours<p>Costs <b>£{number}.50<span></b></span><a href='/'>all things<a href=\"//[\">x".encode()
    )


def wrong_encodings(request: Request) -> Reply:
    """Says one encoding and sends another."""
    number = request.path.strip("/").removeprefix("dish-")
    if request.path == "/":
        links = "".join(f'<li><a href="/dish-{n}">Crème brûlée {n}</a></li>' for n in range(1, 9))
        body = f"<html><head><title>Crêperie</title></head><body><h1>Crêperie</h1><ul>{links}</ul></body></html>"
        return Reply(body.encode("windows-1252"), content_type="text/html; charset=utf-8")
    if not number.isdecimal():
        return Reply(status=404)
    body = f"<html><head><title>Crème {number}</title></head><body><h1>Crème brûlée {number}</h1><p>À la carte.</p></body></html>"
    return Reply(body.encode("utf-16"), content_type="text/html; charset=x-unknown-8")


def self_listing_sitemap(request: Request) -> Reply:
    """A sitemap index that lists itself, and one that invents deeper ones."""
    host = f"http://{request.host}"
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    if request.path == "/robots.txt":
        return Reply(f"Sitemap: {host}/sitemap.xml\n".encode(), content_type="text/plain")
    if request.path == "/sitemap.xml" or request.path.startswith("/deeper/"):
        depth = int(request.path.removeprefix("/deeper/").removesuffix(".xml") or 0) if "deeper" in request.path else 0
        children = (f"{host}/sitemap.xml", f"{host}/deeper/{depth + 1}.xml", f"{host}/leaf.xml")
        body = "".join(f"<sitemap><loc>{child}</loc></sitemap>" for child in children)
        return Reply(
            f'<sitemapindex xmlns="{namespace}">{body}</sitemapindex>'.encode(), content_type="application/xml"
        )
    if request.path == "/leaf.xml":
        return Reply(sitemap(request.host, ["/", *(f"/note-{n}" for n in range(1, 9))]), content_type="application/xml")
    if request.path == "/":
        links = "".join(f'<li><a href="/note-{n}">Note {n}</a></li>' for n in range(1, 9))
        return Reply(document("Notes", f"<h1>Notes</h1><ul>{links}</ul>"))
    if request.path.startswith("/note-"):
        return Reply(document(request.path, f"<h1>Note {request.path[6:]}</h1><p>{'A line of a note. ' * 30}</p>"))
    return Reply(status=404)


def too_busy(request: Request) -> Reply:
    """Asks everybody to come back later."""
    return Reply(status=503, headers={"Retry-After": "3600"}) if request.path == "/" else Reply(status=404)


def refuses(request: Request) -> Reply:
    """Lets no robot in, and says so with a status."""
    return Reply(document("Denied", "<h1>Access denied</h1>"), status=403)


def moved_away(request: Request) -> Reply:
    """Has gone to another site, which answers."""
    if request.host == "elsewhere.test":
        return Reply(document("Here", "<h1>This is where we are now</h1>"))
    return Reply(status=301, headers={"Location": "http://elsewhere.test/"})


def _for_ever(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


def _drip() -> Iterator[bytes]:
    while True:
        time.sleep(0.05)
        yield b"<"


def _zeros() -> Iterator[bytes]:
    # Gzip members may follow one another: one member of 64 MiB of zeros, sent eighty times.
    member = gzip.compress(bytes(64 << 20), compresslevel=9)
    for _ in range(80):
        yield member
