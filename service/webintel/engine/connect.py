"""From a domain to the first page of its site."""

from typing import Final

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fetch import Fetcher, Response, parse_domain
from webintel.engine.urls import host_of, registrable_domain, same_site

# Failures after which another scheme, or `www.`, may still be answered; the later ones have come nearer to the site.
_NO_ANSWER: Final = (
    ErrorCode.DOMAIN_NOT_FOUND,
    ErrorCode.UNREACHABLE,
    ErrorCode.TLS_FAILED,
    ErrorCode.TIMED_OUT,
    ErrorCode.INVALID_RESPONSE,
)


def start_urls(domain: str) -> list[str]:
    """List the URLs where a site may begin, the best first: https, then http; with `www.` where it has neither.

    Raises:
        EngineError: for something that is no domain.
    """
    parsed = parse_domain(domain)
    netloc = parsed.ascii if parsed.port is None else f"{parsed.ascii}:{parsed.port}"
    scheme, _, rest = domain.strip().partition("://")
    schemes = (scheme.lower(),) if rest else ("https", "http")
    hosts = (netloc, f"www.{netloc}") if registrable_domain(parsed.ascii) == parsed.ascii else (netloc,)
    return [f"{scheme}://{host}/" for host in hosts for scheme in schemes]


async def connect(fetcher: Fetcher, domain: str) -> Response:
    """Fetch the site's first page from wherever its domain leads.

    Raises:
        EngineError: named after what stands in the way, `MOVED` where the domain leads to another site.
    """
    failures: list[EngineError] = []
    for url in start_urls(domain):
        if "://www." in url and failures and failures[0].code is not ErrorCode.DOMAIN_NOT_FOUND:
            break
        try:
            response = await fetcher.get(url)
        except EngineError as error:
            if error.code not in _NO_ANSWER:
                raise
            failures.append(error)
            continue
        _require_same_site(response, url)
        return response
    raise max(failures, key=lambda error: _NO_ANSWER.index(error.code))


def _require_same_site(response: Response, url: str) -> None:
    if same_site(response.url, url):
        return
    target = host_of(response.url)
    raise EngineError(
        ErrorCode.MOVED,
        f"{host_of(url)} leads to another site, {target}.",
        f"Scan {target} if that is the site you mean.",
    )
