"""URLs as a crawler needs them: one spelling per page, which site they belong to, and what shape they have."""

import re
from functools import lru_cache
from ipaddress import ip_address
from posixpath import splitext
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

import idna
import tldextract
from w3lib.url import safe_url_string

MAX_URL_LENGTH: Final = 2_000
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_TRACKING_PARAMETER: Final = re.compile(
    r"""(?:
      utm_\w+ | mtm_\w+ | pk_(?:campaign|kwd|source|medium) | matomo_\w+ | hsa_\w+ | _hs(?:enc|mi) | hsctatracking
    | gclid | gclsrc | dclid | gbraid | wbraid | fbclid | msclkid | yclid | ttclid | twclid | igshid | srsltid
    | li_fat_id
    | _ga | _gl | _openstat | mc_[ce]id | mkt_tok | vero_(?:id|conv) | oly_(?:anon|enc)_id | wickedid | s_kwcid | ef_id
    | pr_(?:prod_strat|rec_id|rec_pid|ref_pid|seq) | _pos | _psq | _ss | _sid | _fid
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SESSION_PARAMETER: Final = re.compile(
    r"phpsessid|oscsid|oscadminid|zenid|xtcsid|jsessionid|aspsessionid\w*|cfid|cftoken|sessionid|session_id|sess_id",
    re.IGNORECASE,
)
# Names that carry a session on some sites and content on others: only a long token under them is a session.
_AMBIGUOUS_SESSION_PARAMETER: Final = re.compile(r"s|sid|session|sessid|token", re.IGNORECASE)
_SESSION_TOKEN: Final = re.compile(r"(?=[a-z]*\d)[0-9a-z]{16,128}|[0-9a-f]{26,128}", re.IGNORECASE)
_SESSION_PATH: Final = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)
_ASP_SESSION_SEGMENT: Final = re.compile(r"/\([A-Z]\([0-9a-z]{24}\)\)(?=/|$)", re.IGNORECASE)

_ALREADY_NORMAL: Final = re.compile(r"https?://(?:[a-z0-9-]+\.)*[a-z]+(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9]+)?)*/?")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WEB_SCHEME: Final = re.compile(r"https?:", re.IGNORECASE)
_NO_HOST: Final = re.compile(r"(?:https?:)?//(?:[/?#]|$)", re.IGNORECASE)
_IGNORED_CHARACTERS: Final = re.compile(r"[\t\n\r]")
_EDGES: Final = "".join(map(chr, range(0x21)))
_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOST: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")

_ASSET: Final = re.compile(
    r"""\.(?:
      7z | aac | apk | avif? | bin | bmp | bz2 | css | csv | dmg | docx? | dwg | eot | eps | epub | exe | flac | flv
    | gif | gz | ico | ics | iso | jar | jpe?g | js | json | jsonld | key | less | m3u8 | m4[av] | map | mid | mjs | mkv
    | mobi | mov | mp[34] | mpe?g | msi | od[pst] | og[gv] | otf | pdf | pkg | png | pp[st]x? | psd | rar | rdf | rss
    | atom | rtf | scss | sql | svg | swf | tar | tgz | tiff? | torrent | ttf | txt | vcf | wasm | wav | webm
    | webmanifest | webp | wm[av] | woff2? | xlsx? | xml | xsd | xz | ya?ml | zip
    )""",
    re.VERBOSE | re.IGNORECASE,
)

_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def normalize_url(base: str, href: str) -> str | None:
    """Resolve a link and give the one spelling under which the page is known.

    Fragments, default ports, dot segments, tracking parameters and session ids go; the order of the remaining
    parameters stays, since it may matter to the server.

    Args:
        base: the absolute URL the link stands on.
        href: the link as written.

    Returns:
        An absolute http or https URL, or none where the link leads to no page that may be fetched.
    """
    href = _IGNORED_CHARACTERS.sub("", href.strip(_EDGES))
    if _ALREADY_NORMAL.fullmatch(href) and len(href) <= MAX_URL_LENGTH:
        return href if href.count("/") > 2 else href + "/"
    if len(href) > 2 * MAX_URL_LENGTH:
        return None
    if (_SCHEME.match(href) and not _WEB_SCHEME.match(href)) or _NO_HOST.match(href):
        return None
    try:
        parts = urlsplit(urljoin(base, href))
        netloc = _netloc(parts)
        if netloc is None:
            return None
        path = _path(parts.path)
        query = clean_query(parts.query)
    except ValueError:
        return None
    url = f"{parts.scheme}://{netloc}{path}" + (f"?{query}" if query else "")
    return url if len(url) <= MAX_URL_LENGTH else None


def _netloc(parts: SplitResult) -> str | None:
    if parts.scheme not in DEFAULT_PORTS or "@" in parts.netloc:
        return None
    host, port = parts.hostname, parts.port
    if not host:
        return None
    if ":" in host:
        host = f"[{ip_address(host).compressed}]"
    else:
        host = _ascii_host(unquote(host))
        if host is None:
            return None
    return host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"


@lru_cache(maxsize=4096)
def _ascii_host(host: str) -> str | None:
    host = host.rstrip(".").lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def _normal_percent(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _path(path: str) -> str:
    if ";" in path:
        path = _SESSION_PATH.sub("", path)
    if "(" in path:
        path = _ASP_SESSION_SEGMENT.sub("", path)
    if not path.isascii() or " " in path or '"' in path or "<" in path:
        path = urlsplit(safe_url_string("http://h" + path)).path
    if "%" in path:
        path = _PERCENT.sub(_normal_percent, path)
    if "/." in path:
        path = _without_dot_segments(path)
    return path or "/"


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def is_volatile_parameter(name: str, value: str) -> bool:
    """Whether a query parameter names the visit (tracking, session) and not the page."""
    return bool(
        _TRACKING_PARAMETER.fullmatch(name)
        or _SESSION_PARAMETER.fullmatch(name)
        or (_AMBIGUOUS_SESSION_PARAMETER.fullmatch(name) and _SESSION_TOKEN.fullmatch(value))
    )


def clean_query(query: str) -> str:
    """The query without tracking and session parameters, in one percent-encoding."""
    if not query:
        return ""
    kept = []
    for pair in query.replace("&amp;", "&").split("&"):
        name, _, value = pair.partition("=")
        if pair and not is_volatile_parameter(unquote(name), value):
            kept.append(pair)
    cleaned = "&".join(kept)
    if not cleaned.isascii() or " " in cleaned or '"' in cleaned or "<" in cleaned:
        cleaned = urlsplit(safe_url_string("http://h/?" + cleaned)).query
    return _PERCENT.sub(_normal_percent, cleaned)


@lru_cache(maxsize=16_384)
def registrable_domain(host: str) -> str:
    """The name somebody registered: `shop.example.co.uk` gives `example.co.uk`; addresses give themselves."""
    host = host.rstrip(".").lower()
    extracted = _extract(host)
    if extracted.suffix and extracted.domain:
        return f"{extracted.domain}.{extracted.suffix}"
    if extracted.suffix or extracted.ipv4 or extracted.ipv6 or "." not in host:
        return host
    # A suffix that the list does not know counts as one label, as the list itself prescribes.
    return ".".join(host.split(".")[-2:])


def host_of(url: str) -> str:
    """The host name in lower case, empty where there is none."""
    try:
        return (urlsplit(url if "//" in url else "//" + url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def without_www(host: str) -> str:
    """The host with a leading `www.` dropped."""
    return host[4:] if host.startswith("www.") and host.count(".") >= 2 else host


def same_site(url: str, site: str, *, subdomains: bool = True) -> bool:
    """Whether a URL belongs to a site.

    Args:
        url: an absolute URL.
        site: the site's URL or host.
        subdomains: also accept other hosts under the same registrable domain; `www.` is always equivalent.
    """
    if _odd_port(url) != _odd_port(site):
        return False
    host, home = host_of(url), host_of(site)
    if not host or without_www(host) == without_www(home):
        return bool(host)
    return subdomains and registrable_domain(host) == registrable_domain(home)


def _odd_port(url: str) -> int | None:
    try:
        port = urlsplit(url if "//" in url else "//" + url).port
    except ValueError:
        return -1
    return None if port in (80, 443) else port


def is_asset(url: str) -> bool:
    """Whether the path ends like a file that is no page: an image, a style sheet, a download, a feed."""
    return bool(_ASSET.fullmatch(splitext(urlsplit(url).path)[1]))


def path_tokens(url: str) -> list[str]:
    """The path's segments, decoded, empty ones dropped."""
    return [unquote(segment) for segment in urlsplit(url).path.split("/") if segment]


@lru_cache(maxsize=4_096)
def query_pairs(url: str) -> tuple[tuple[str, str], ...]:
    """The query's names and values, decoded, at most 50."""
    query = urlsplit(url).query
    if not query:
        return ()
    return tuple(parse_qsl("&".join(query.split("&")[:50]), keep_blank_values=True))


_NUMBER: Final = re.compile(r"\d+(?:[._,-]\d+)*")
_UUID_OR_HASH: Final = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[a-z]*\d)(?=\d*[a-z])[0-9a-f]{12,64}", re.IGNORECASE
)
_NUMBERED_WORD: Final = re.compile(r"([A-Za-z]{1,3}[-_]?)\d+")


def segment_shape(segment: str) -> str:
    """What kind of name a path segment is: `{n}`, `{id}`, `{slug}`, or the segment itself where it is a plain word.

    A file extension stays: `red-shoe-17.html` gives `{slug}.html`.
    """
    stem, extension = splitext(segment)
    if extension and not (1 < len(extension) <= 6 and extension[1:].isalnum() and not extension[1:].isdigit()):
        stem, extension = segment, ""
    if _NUMBER.fullmatch(stem):
        return "{n}" + extension
    if _UUID_OR_HASH.fullmatch(stem):
        return "{id}" + extension
    if numbered := _NUMBERED_WORD.fullmatch(stem):
        return numbered[1] + "{n}" + extension
    if len(stem) > 24 or any(mark in stem for mark in "-_+ ,%") or any(character.isdigit() for character in stem):
        return "{slug}" + extension
    return segment


def url_shape(url: str) -> str:
    """The URL's form: segments as `segment_shape` has them, then the sorted names of its parameters.

    URLs made by the same route of a site mostly share it: `/p/12?ref=a` and `/p/7?ref=b` both give `/p/{n}?ref`.
    """
    path = "/" + "/".join(segment_shape(segment) for segment in path_tokens(url))
    if urlsplit(url).path.endswith("/") and path != "/":
        path += "/"
    names = sorted({name for name, _ in query_pairs(url)})
    return path + ("?" + "&".join(names) if names else "")
