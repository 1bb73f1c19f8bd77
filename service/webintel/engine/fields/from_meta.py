"""Fields from meta elements: Open Graph, product and article properties."""

import re
from typing import Final

from webintel.engine.fields import values
from webintel.engine.fields.record import Record
from webintel.engine.page import Page

_SITE_NAME: Final = re.compile(r"\s+[|\u2013\u2014\u00b7\u2022:-]\s+")


def add_meta(record: Record, page: Page) -> None:
    """Fields of any page that its metas name."""
    meta = page.meta

    def first(*names: str) -> str | None:
        return next((meta[name][0] for name in names if name in meta), None)

    record.add("title", without_site(page, first("og:title", "twitter:title")), "open_graph", 0.6)
    record.add("description", first("og:description", "description", "twitter:description"), "open_graph", 0.7)
    image = first("og:image", "og:image:url", "og:image:secure_url", "twitter:image")
    record.add("image", page.absolute(image), "open_graph", 0.8)
    record.add(
        "published_at",
        values.moment(first("article:published_time", "og:published_time", "date", "dc.date") or ""),
        "open_graph",
        0.93,
    )
    record.add("modified_at", values.moment(first("article:modified_time", "og:updated_time") or ""), "open_graph", 0.9)
    author = first("author", "article:author", "dc.creator", "parsely-author", "byl")
    if author and "/" not in author and len(author) < 100:
        record.add("author", re.sub(r"^by\s+", "", author, flags=re.IGNORECASE), "open_graph", 0.75)
    price = first(
        "product:price:amount",
        "og:price:amount",
        "product:sale_price:amount",
    )
    record.add("price", values.amount(price or ""), "open_graph", 0.9)
    record.add(
        "currency", values.currency(first("product:price:currency", "og:price:currency") or ""), "open_graph", 0.9
    )
    record.add(
        "availability", values.availability(first("product:availability", "og:availability") or ""), "open_graph", 0.9
    )
    record.add("brand", first("product:brand", "og:brand"), "open_graph", 0.85)
    record.add("sku", first("product:retailer_item_id", "product:sku"), "open_graph", 0.6)
    tags = meta.get("article:tag", [])
    record.add("tags", [part.strip() for tag in tags for part in tag.split(",")], "open_graph", 0.8)


def without_site(page: Page, title: str | None) -> str | None:
    """A title without the name of the site at its end."""
    if not title:
        return None
    site = (page.meta.get("og:site_name") or [""])[0].casefold()
    parts = _SITE_NAME.split(title)
    last = parts[-1].casefold()
    host = page.url.split("/")[2].lower() if "//" in page.url else ""
    if len(parts) > 1 and (last == site or (last and last.replace(" ", "") in host.replace("-", ""))):
        return title[: title.casefold().rindex(last)].rstrip(" |\u2013\u2014\u00b7\u2022:-")
    return title
