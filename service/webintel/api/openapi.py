"""How the OpenAPI document presents itself; its content comes from the routes."""

from typing import Any

import msgspec
from litestar import Request, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from webintel import __version__
from webintel.accounts.roles import Permission
from webintel.api.gate import API_KEY_HEADER, allow

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
"""Either will do."""

_DESCRIPTION = """\
Register a site by its domain, watch the jobs that visit it, and take its versioned blueprint.

Sign in at `/api/v1/auth/login` and send the access token as `Authorization: Bearer ...`, or send an API key as
`X-API-Key`. Errors are problem documents (RFC 9457). Lists are pages: hand `next_cursor` back as `cursor`.
Times are ISO 8601 in UTC, scores and confidences are 0.0 to 1.0.
"""

_TAGS = [
    Tag("Sites", "Sites and their newest blueprint."),
    Tag("Jobs", "What workers have done, do and will do for a site."),
    Tag("Blueprints", "Versioned results; nothing is ever overwritten."),
    Tag("Authentication", "Signing in, staying signed in, signing out."),
    Tag("Account", "One's own account and API keys."),
    Tag("Users", "Other people, for admins."),
    Tag("Operations", "Probes and metrics."),
]


class OpenApiJson(JsonRenderPlugin):
    """Writes the document, and says of each body that takes no unknown field that it does not."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Give the document as JSON."""
        for name, schema in openapi_schema["components"]["schemas"].items():
            if name in _closed_structs():
                schema["additionalProperties"] = False
        return self.render_json(request, openapi_schema)


def _closed_structs() -> set[str]:
    found, pending = set(), list(msgspec.Struct.__subclasses__())
    while pending:
        struct = pending.pop()
        pending += struct.__subclasses__()
        if struct.__struct_config__.forbid_unknown_fields:
            found.add(struct.__name__)
    return found


def openapi_config() -> OpenAPIConfig:
    """Describe the document and where it is served."""
    return OpenAPIConfig(
        title="Web Intelligence Platform",
        version=__version__,
        description=_DESCRIPTION,
        tags=_TAGS,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", bearer_format="JWT", description="An access token of a person."
                ),
                "api_key": SecurityScheme(
                    type="apiKey", name=API_KEY_HEADER, security_scheme_in="header", description="A script's key."
                ),
            }
        ),
        use_handler_docstrings=True,
        render_plugins=[OpenApiJson()],
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, opt=allow(Permission.PUBLIC, unlimited=True)
        ),
    )
