"""Every way a visit can end badly, with a stable code, a sentence, and what to do about it."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable names that clients may branch on; a value is never renamed."""

    INVALID_DOMAIN = "invalid_domain"
    INVALID_URL = "invalid_url"
    FORBIDDEN_ADDRESS = "forbidden_address"
    DOMAIN_NOT_FOUND = "domain_not_found"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    INVALID_RESPONSE = "invalid_response"
    UNSUPPORTED_CONTENT = "unsupported_content"
    HTTP_STATUS = "http_status"
    RATE_LIMITED = "rate_limited"
    ACCESS_DENIED = "access_denied"
    FORBIDDEN_BY_ROBOTS = "forbidden_by_robots"
    LOGIN_REQUIRED = "login_required"
    MOVED = "moved"
    EMPTY_SITE = "empty_site"
    BUDGET_EXHAUSTED = "budget_exhausted"
    UNUSABLE_BLUEPRINT = "unusable_blueprint"
    INVALID_RULES = "invalid_rules"
    CANCELLED = "cancelled"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"


RECOVERY_ACTIONS: dict[ErrorCode, str] = {
    ErrorCode.INVALID_DOMAIN: "Give a public domain name such as example.com, without a path.",
    ErrorCode.INVALID_URL: "Give an absolute http or https URL without credentials.",
    ErrorCode.FORBIDDEN_ADDRESS: "Only public addresses are visited; for a site of your own allow its network with "
    "--allow-private or WEBINTEL_FETCH_ALLOW_PRIVATE.",
    ErrorCode.DOMAIN_NOT_FOUND: "Check the spelling of the domain and that it has an A or AAAA record, then retry.",
    ErrorCode.UNREACHABLE: "Check that the site answers in a browser, then retry.",
    ErrorCode.TLS_FAILED: "The site's certificate is not valid for this name; ask its owner to renew it, then retry.",
    ErrorCode.TIMED_OUT: "Retry later, or allow more time with --max-seconds.",
    ErrorCode.TOO_LARGE: "The response is larger than any page should be; exclude this URL.",
    ErrorCode.TOO_MANY_REDIRECTS: "The site redirects without end, often for lack of a cookie; "
    "scan the final host instead.",
    ErrorCode.INVALID_RESPONSE: "The server breaks the HTTP protocol; retry later or tell its owner.",
    ErrorCode.UNSUPPORTED_CONTENT: "Give the URL of a page; images, archives and other files are not analysed.",
    ErrorCode.HTTP_STATUS: "Look at the URL in a browser; retry when the site answers again.",
    ErrorCode.RATE_LIMITED: "The site asks for fewer requests; retry later with a longer --delay.",
    ErrorCode.ACCESS_DENIED: "The site refuses automated visits; ask its owner for access or an API.",
    ErrorCode.FORBIDDEN_BY_ROBOTS: "robots.txt forbids the visit; ask the site's owner for permission.",
    ErrorCode.LOGIN_REQUIRED: "The site shows its pages to signed-in visitors only; "
    "ask its owner for an API or an export.",
    ErrorCode.MOVED: "Scan the domain that the site has moved to.",
    ErrorCode.EMPTY_SITE: "The site has no pages to analyse; check the domain, or that it does not need a browser.",
    ErrorCode.BUDGET_EXHAUSTED: "Allow more with --max-pages or --max-seconds.",
    ErrorCode.UNUSABLE_BLUEPRINT: "Give a blueprint exported as JSON or YAML by this version or an older one.",
    ErrorCode.INVALID_RULES: "Correct the rule file that the message names.",
    ErrorCode.CANCELLED: "Start the job again when you want its result.",
    ErrorCode.WORKER_LOST: "The job ended its worker again and again, perhaps for lack of memory: see its log.",
    ErrorCode.INTERNAL: "This is a fault of ours: report it with the job's id.",
}


class EngineError(Exception):
    """A failure with a name.

    Attributes:
        code: what kind of failure it is.
        message: one sentence that says what is wrong and where.
        recovery_action: one sentence that says what to do next.
    """

    def __init__(self, code: ErrorCode, message: str, recovery_action: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.recovery_action = recovery_action or RECOVERY_ACTIONS[code]

    def __str__(self) -> str:
        return self.message
