"""robots.txt as RFC 9309 has it: which group is ours is decided here, which rule matches a URL by protego."""

import re
from collections.abc import Iterator
from typing import Final, Self
from urllib.parse import quote

from protego import Protego

from webintel.engine.errors import EngineError, ErrorCode

MAX_ROBOTS_BYTES: Final = 500 * 1024
MAX_ROBOTS_REDIRECTS: Final = 5
MAX_CRAWL_DELAY: Final = 30.0
_MAX_SITEMAPS: Final = 1_000

# The spellings that search engines forgive.
_AGENT: Final = "agent"
_FIELDS: Final = {
    "user-agent": _AGENT, "useragent": _AGENT, "user agent": _AGENT,
    "allow": "allow",
    "disallow": "disallow", "dissallow": "disallow", "dissalow": "disallow", "disalow": "disallow",
    "diasllow": "disallow", "disallaw": "disallow",
    "sitemap": "sitemap", "site-map": "sitemap", "sitemaps": "sitemap",
    "crawl-delay": "delay", "crawldelay": "delay", "crawl delay": "delay",
}  # fmt: skip
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LINE: Final = re.compile(
    rf"({'|'.join(sorted(map(re.escape, _FIELDS), key=len, reverse=True))})(?:\s*:\s*|\s+)(.*)", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[a-z_-]+")
_NUMBER: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?|\.\d{1,9}")
_PATTERN_CHARACTERS: Final = "".join(map(chr, range(0x21, 0x7F)))


class RobotsPolicy:
    """What one origin's robots.txt lets one robot do.

    Attributes:
        text: the file as read; empty where there is none.
        sitemaps: the sitemaps it names, in order.
        crawl_delay: seconds between requests that it asks for, at most 30; none where it does not say.
        error: why everything is forbidden although no file says so.
    """

    def __init__(self, text: str, token: str) -> None:
        self.text = text
        self.error: EngineError | None = None
        rules, delay, sitemaps = _group_of(text, token.lower())
        self.sitemaps: tuple[str, ...] = tuple(sitemaps)
        self.crawl_delay: float | None = min(delay, MAX_CRAWL_DELAY) if delay is not None else None
        self._rules = Protego.parse("\n".join(["User-agent: *", *rules])) if rules else None

    @classmethod
    def allow_all(cls) -> Self:
        """The policy of a site without a robots.txt."""
        return cls("", "")

    @classmethod
    def disallow_all(cls, error: EngineError) -> Self:
        """The policy of a site whose robots.txt cannot be had at the moment."""
        policy = cls("", "")
        policy.error = error
        return policy

    def allows(self, url: str) -> bool:
        """Tell whether a URL of this origin may be fetched."""
        if self.error is not None:
            return False
        return self._rules is None or bool(self._rules.can_fetch(url, "*"))

    def require(self, url: str) -> None:
        """Raise FORBIDDEN_BY_ROBOTS, or the failure that kept robots.txt from us."""
        if self.error is not None:
            raise EngineError(self.error.code, self.error.message, self.error.recovery_action)
        if not self.allows(url):
            raise EngineError(ErrorCode.FORBIDDEN_BY_ROBOTS, f"robots.txt forbids {url}.")


def _group_of(text: str, token: str) -> tuple[list[str], float | None, list[str]]:
    """Find the rules of every group that names the token, or else of every group for all robots.

    protego takes `Web` for a prefix of `WebIntelBot`, needs the whole of `FOO BAR` to match, and ends a group at an
    unknown line; RFC 9309 wants the product token alone, whole, and a group to end at its first rule.
    """
    rules: dict[str, list[str]] = {}
    delays: dict[str, float] = {}
    sitemaps: list[str] = []
    agents: set[str] = set()
    in_rules = True
    for field, value in _lines(text):
        if field == _AGENT:
            if in_rules:
                agents, in_rules = set(), False
            agent = _agent(value)
            if agent in (token, "*"):
                agents.add(agent)
                rules.setdefault(agent, [])
        elif field == "sitemap":
            if value and len(sitemaps) < _MAX_SITEMAPS:
                sitemaps.append(value)
        elif field == "delay":
            if _NUMBER.fullmatch(value):
                delays.update(dict.fromkeys(agents, float(value)))
        else:
            in_rules = True
            if value:
                for agent in agents:
                    rules[agent].append(f"{field}: {quote(value, _PATTERN_CHARACTERS)}")
    ours = token if token in rules else "*"
    return rules.get(ours, []), delays.get(ours), sitemaps


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        match = _LINE.match(line.partition("#")[0].strip())
        if match is not None:
            yield _FIELDS[match[1].lower()], match[2].strip()


def _agent(value: str) -> str:
    if value == "*" or value[:2] in ("* ", "*\t"):
        return "*"
    match = _TOKEN.match(value.lower())
    return match[0] if match is not None else ""
