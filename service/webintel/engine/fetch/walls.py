"""Recognising that a site wants a person, signed in or in front of a browser."""

import re
from typing import Final
from urllib.parse import unquote

from webintel.engine.fetch.gate import Target
from webintel.engine.fetch.response import Headers, find_header

CHALLENGE_STATUSES: Final = frozenset({403, 405, 429, 503})
# A page that is nothing but a challenge is small; a whole page may load the same vendor's script quite innocently.
_MAX_CHALLENGE_PAGE: Final = 12_000

_LOGIN_SEGMENT: Final = re.compile(
    r"(?:log|sign)[-_]?(?:in|on)(?:\.(?:aspx?|php|html?|jsp|do))?|wp-login\.php|user_login|sso|oauth2?|saml2?",
    re.IGNORECASE,
)
_LOGIN_HOST: Final = re.compile(r"(?:login|signin|sso|accounts?|auth|idp)\.")
_CHALLENGE: Final = re.compile(
    rb"""<title>\s*(?:just\ a\ moment|attention\ required!\ \|\ cloudflare|access\ denied|pardon\ our\ interruption
          |are\ you\ a\ (?:robot|human)|robot\ or\ human|security\ check|ddos-guard)
    | /cdn-cgi/challenge-platform/ | captcha-delivery\.com | _incapsula_resource | px-captcha | /sgcaptcha/
    | class="(?:g-recaptcha|h-captcha|cf-turnstile)" | awswaf\.com/[^"']*challenge""",
    re.IGNORECASE | re.VERBOSE,
)
_FIRST_BYTES: Final = 64 * 1024


def is_login_page(target: Target) -> bool:
    """Tell from its URL whether a page asks for a user name and password."""
    if _LOGIN_HOST.match(target.host):
        return True
    path = target.path.partition("?")[0]
    return any(_LOGIN_SEGMENT.fullmatch(unquote(segment)) for segment in path.split("/"))


def is_challenge(status: int, headers: Headers, body: bytes) -> bool:
    """Tell whether an answer is a test for robots rather than the page."""
    if (find_header(headers, "cf-mitigated") or "").lower() == "challenge":
        return True
    if status in CHALLENGE_STATUSES:
        return _CHALLENGE.search(body[:_FIRST_BYTES]) is not None
    return status == 200 and len(body) <= _MAX_CHALLENGE_PAGE and _is_bare_challenge(body)


def _is_bare_challenge(body: bytes) -> bool:
    match = _CHALLENGE.search(body)
    # A captcha beside a form is part of many small pages, so it counts only where the page has no link at all.
    return match is not None and (match[0].lower().startswith(b"<title>") or b"<a " not in body.lower())
