"""Fields of forum threads, documentation and listings as the page shows them."""

import re
from typing import Final

from selectolax.lexbor import LexborNode

from webintel.engine.fields import values
from webintel.engine.fields.dom import ancestors, attribute, elements, names, text_of
from webintel.engine.fields.html_article import person_name
from webintel.engine.fields.items import PRICE, ItemGroup, repeated_items
from webintel.engine.fields.record import Record
from webintel.engine.page import Page

_MAX_POSTS: Final = 200
_MAX_HEADINGS: Final = 200
_POST_BODIES: Final = (
    ".cooked", ".message-body .bbWrapper", ".bbWrapper", "[data-role=commentContent]", ".postbody .content",
    ".post-body", "[itemprop=text]", ".messageText", ".post_message", ".postcontent", ".Post-body",
    "[component='post/content']", ".s-prose", ".usertext-body .md", ".lia-message-body-content", ".comment-content",
    ".post-content", ".postBody", "[id^=post_message_]", ".message-content", ".comment-body", ".entry-content",
)  # fmt: skip
_POST_NAME: Final = re.compile(r"(?:^|[\s_-])(?:post|message|reply|answer|comment)(?:$|[\s_-])")
_USERS: Final = (
    ".username, [class*=username], [itemprop=author], .author, [class*=author], .user-details a, [data-user-card],"
    " .poster, .bigusername"
)
_OLD_PRICE: Final = re.compile(
    r"old|was|regular|compare|strike|before|list-?price|rrp|msrp|cross|original", re.IGNORECASE
)


def add_forum_html(record: Record, page: Page) -> None:
    """Author, date and texts of a thread's posts."""
    posts = _posts(page)
    if posts and "replies" not in record:
        record.add("body", text_of(posts[0], 20_000), "html", 0.6, posts[0])
        record.add("replies", [text_of(post, 5_000) for post in posts[1:]], "html", 0.6, posts[-1])
    if "author" not in record and posts:
        for outer in ancestors(posts[0], 8):
            user = outer.css_first(_USERS)
            name = person_name(text_of(user, 80)) or text_of(user, 40) if user is not None else None
            if name:
                record.add("author", name.split("\n")[0], "html", 0.6, user)
                break
    if "published_at" not in record:
        for node in page.tree.css("time[datetime], [data-time], abbr[title]")[:3]:
            value = values.moment(attribute(node, "datetime") or attribute(node, "title"))
            record.add("published_at", value, "html", 0.7, node)


def _posts(page: Page) -> list[LexborNode]:
    best: list[LexborNode] = []
    for selector in _POST_BODIES:
        found = [node for node in page.tree.css(selector)[:_MAX_POSTS] if len(node.text().strip()) > 10]
        if len(found) > len(best):
            best = found
        if len(best) >= 3:
            return best
    if best:
        return best
    return [
        node
        for node, tag, classes in page.remember(elements)
        if tag in ("div", "article", "li") and _POST_NAME.search(classes.lower())
    ][:_MAX_POSTS]


def add_documentation_html(record: Record, page: Page) -> None:
    """The headings of a manual's page, which are its table of contents."""
    found = [
        text_of(node, 200).rstrip("\u00b6# ")
        for node, tag, _ in page.remember(elements)
        if tag in ("h2", "h3")
        and not any(outer.tag in ("nav", "footer", "aside", "header") for outer in ancestors(node, 12))
    ]
    record.add("headings", [text for text in found if text][:_MAX_HEADINGS], "html", 0.8)


def add_listing_html(record: Record, page: Page) -> None:
    """Title, address, price and image of each item of a listing."""
    group = page.remember(repeated_items)
    if group is None:
        return
    rows = [_row(page, node) for node in group.items]
    rows = [row for row in rows if row["item_title"] and row["item_url"]]
    confidence = min(0.9, 0.4 + group.score / 80)
    for name in ("item_title", "item_url", "item_price", "item_image"):
        found = [row[name] for row in rows]
        filled = [value for value in found if value]
        if len(filled) >= max(2, 0.5 * len(rows)):
            record.add(name, filled, "html", confidence * len(filled) / len(rows), _container(group))


def _container(group: ItemGroup) -> LexborNode:
    return group.items[0].parent or group.items[0]


def _row(page: Page, item: LexborNode) -> dict[str, str]:
    links = [item] if item.tag == "a" else item.css("a[href]")[:20]
    links = [link for link in links if not attribute(link, "href").startswith(("#", "javascript:", "mailto:", "tel:"))]
    title_node = next((node for node in item.css("h1, h2, h3, h4, h5, h6")[:3] if node.text().strip()), None)
    inner = title_node.css_first("a[href]") if title_node is not None else None
    link = inner or max(links, key=lambda one: len(one.text().strip()), default=None)
    title = text_of(title_node, 300) if title_node is not None else text_of(link, 300) if link is not None else ""
    if not title and links:
        title = next((label for one in links if (label := attribute(one, "title") or attribute(one, "aria-label"))), "")
    url = page.absolute(attribute(link or links[0], "href")) if links or link is not None else None
    image = item.css_first("img")
    source = ""
    if image is not None:
        source = attribute(image, "data-src") or attribute(image, "src") or attribute(image, "data-original")
    return {
        "item_title": title,
        "item_url": url or "",
        "item_price": _item_price(item),
        "item_image": (page.absolute(source) or "") if source and not source.startswith("data:") else "",
    }


def _item_price(item: LexborNode) -> str:
    text = " ".join(item.text(separator=" ")[:2_000].split())
    if not PRICE.search(text):
        return ""
    for node in item.css("[class*=price], [class*=Price], ins, [itemprop=price]")[:12]:
        if _OLD_PRICE.search(names(node)) or any(outer.tag in ("del", "s") for outer in ancestors(node, 2)):
            continue
        number = values.amount(attribute(node, "content") or text_of(node, 60))
        if number is not None and float(number) > 0:
            return number
    match = PRICE.search(text)
    return (values.amount(match[0]) or "") if match else ""
