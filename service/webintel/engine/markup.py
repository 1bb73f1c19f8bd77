"""Turns the bytes of a page into text that is safe to parse: the right charset, and no tag bombs.

The HTML parser takes quadratic time on very deep nesting and on tags with very many attributes, and unclosed formatting
tags multiply its nodes. Real pages stay far below the bounds here; what lies above them is cut.
"""

import codecs
import re
from typing import Final

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

MAX_CHARACTERS: Final = 12_000_000
_MAX_DEPTH: Final = 2_000
_MAX_TAGS: Final = 300_000
_MAX_FORMATTING: Final = 200
_MAX_COPIES: Final = 500_000
_MAX_ATTRIBUTES: Final = 2_000
# Below these a page is harmless whatever it holds, and need not be looked at tag by tag.
_HARMLESS_TAGS: Final = 16_000
_HARMLESS_COPIES: Final = 4_000_000
_HARMLESS_LENGTH: Final = 16 * _MAX_ATTRIBUTES

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Browsers read these labels as supersets of what they say.
_SUPERSETS: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    # A page whose declaration can be read as ASCII is not in UTF-16 whatever it declares.
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_HEADER_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_DECLARED_CHARSET: Final = re.compile(
    rb"<meta\b[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")

_ATTRIBUTE: Final = r"(?:[\s/]++|=?[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?)?)"
# Every alternative consumes what it looks at, so one pass over hostile text stays linear.
_TOKEN: Final = re.compile(
    r"<!--(?!-?>)(?:[^-]++|-(?!->))*+"
    rf"|<(?:(script|style|textarea|title)(?=[\s/>])(?:{_ATTRIBUTE})*+>(?:[^<]++|<(?!/\1))*+"
    rf"|(/?)([a-z][^\s/>]*+)((?:{_ATTRIBUTE})*+))",
    re.IGNORECASE,
)
_ONE_ATTRIBUTE: Final = re.compile(_ATTRIBUTE)
# At least as long as the tag really is, whatever quotes are in it, and quicker than to tell its attributes apart.
_START_TAG: Final = re.compile(r"<[a-zA-Z][^>\"'=]*+(?:(?:=\s*+(?:\"[^\"]*+\"|'[^']*+')?|[\"'])[^>\"'=]*+)*+")
_FORMATTING_TAG: Final = re.compile(r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/>]", re.IGNORECASE)

_FORMATTING: Final = frozenset(
    ("b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
# Tags that never nest by themselves: void ones, and those that the next of their kind closes.
_FLAT: Final = frozenset(
    (
        "a",
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dt",
        "dd",
        "option",
        "optgroup",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "caption",
        "rp",
        "rt",
        "body",
        "html",
        "head",
        "path",
        "circle",
        "rect",
        "line",
        "polygon",
        "polyline",
        "ellipse",
        "use",
        "stop",
    )
)


def decode(body: bytes, content_type: str | None = None) -> str:
    """Decode a page by its byte order mark, the header's charset, its own declaration, else UTF-8 or Windows-1252."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace").removeprefix("\ufeff")
    header = _HEADER_CHARSET.search(content_type or "")
    declared = _DECLARED_CHARSET.search(body[:4096])
    labels = [header[1] if header else "", (declared[1] or declared[2]).decode("ascii", "ignore") if declared else ""]
    for label in [*labels, "utf-8"]:
        codec = _codec(label)
        if codec is None:
            continue
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            # A bad byte among many good ones does not make a page of another charset.
            text = body.decode(codec, "replace")
            bad = text.count("\ufffd")
            good = sum(map(len, _NOT_ASCII.findall(text))) - bad
            if bad <= max(3, len(text) // 2_000) and good > bad:
                return text
    return body.decode("cp1252", "replace")


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    name = _SUPERSETS.get(name, name)
    # Codecs such as base64 or rot13 are not charsets.
    return name if codecs.lookup(name)._is_text_encoding else None  # noqa: SLF001


def parse(html: str) -> LexborHTMLParser:
    """Parse text of which `bounded` has made sure that it parses in linear time."""
    # Mutation events make the parser quadratic in the options of a <select>.
    return LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)


def bounded(html: str) -> str:
    """Cut what would make parsing take time or memory out of proportion to the text."""
    html = html[:MAX_CHARACTERS]
    if html.count("<") > _MAX_TAGS:
        html = "<".join(html.split("<", _MAX_TAGS)[:_MAX_TAGS])
    tags = html.count("<")
    formatting = len(_FORMATTING_TAG.findall(html))
    longest = max(map(len, _START_TAG.findall(html)), default=0)
    if tags <= _HARMLESS_TAGS and formatting * tags <= _HARMLESS_COPIES and longest <= _HARMLESS_LENGTH:
        return html
    return _cut(html)


def _cut(html: str) -> str:
    kept: list[str] = []
    position = depth = formatting = copies = 0
    for token in _TOKEN.finditer(html):
        # The parser may repeat every open formatting tag in each block.
        copies += formatting
        if copies > _MAX_COPIES:
            return "".join([*kept, html[position : token.start()]])
        name = (token[3] or "").lower()
        attributes = token[4] or ""
        if not name or name in _FLAT:
            too_deep = False
        elif token[2]:
            too_deep = False
            depth = max(0, depth - 1)
            formatting = max(0, formatting - (name in _FORMATTING))
        else:
            too_deep = depth >= _MAX_DEPTH or (name in _FORMATTING and formatting >= _MAX_FORMATTING)
            if not too_deep and not attributes.rstrip().endswith("/"):
                depth += 1
                formatting += name in _FORMATTING
        if too_deep or _is_bomb(attributes):
            kept.append(html[position : token.start()])
            # What is left of the tag is its bare name, or an empty comment where even that would nest too deep.
            kept.append("<!--" if too_deep else f"<{token[2]}{name} ")
            position = token.end()
            if too_deep:
                kept.append("--")
    kept.append(html[position:])
    return "".join(kept)


def _is_bomb(attributes: str) -> bool:
    if len(attributes) <= _HARMLESS_LENGTH:
        return False
    count = 0
    for match in _ONE_ATTRIBUTE.finditer(attributes):
        count += not match[0].isspace()
        if count > _MAX_ATTRIBUTES:
            return True
    return False
