"""How the OpenAPI document presents itself; its content comes from the routes."""

from typing import Any

import msgspec
from litestar import Request, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from webintel import __version__
from webintel.accounts.roles import Permission
from webintel.api.access import API_KEY_HEADER, allow

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
    Tag("Analytics", "How the platform does, and what needs a person."),
    Tag("Authentication", "Signing in, staying signed in, signing out."),
    Tag("Account", "One's own account and API keys."),
    Tag("Users", "Other people, for admins."),
    Tag("Operations", "Probes and metrics."),
]


class OpenApiJson(JsonRenderPlugin):
    """Writes the document, more exactly than Litestar 2.25 makes it."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Give the document as JSON."""
        schemas = openapi_schema["components"]["schemas"]
        # Litestar leaves out that unknown fields are refused, and bounds that are 0; msgspec, which checks, does not.
        bodies = [struct for struct in _structs() if struct.__struct_config__.forbid_unknown_fields]
        _, exact = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
        schemas.update({struct.__name__: exact[struct.__name__] for struct in bodies if struct.__name__ in schemas})
        for operations in openapi_schema["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", []):
                    parameter["schema"] = _without_null(parameter["schema"])
        return self.render_json(request, openapi_schema)


def _structs() -> list[type[msgspec.Struct]]:
    found, pending = [], list(msgspec.Struct.__subclasses__())
    while pending:
        struct = pending.pop()
        pending += struct.__subclasses__()
        if struct.__module__.startswith("webintel.") and struct.__module__.endswith(".schemas"):
            found.append(struct)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter can be left out, but there is no way to write null in a URL or a header."""
    others = [choice for choice in schema.get("oneOf", []) if choice != {"type": "null"}]
    if len(others) != 1:
        return schema
    return {**others[0], **{key: value for key, value in schema.items() if key != "oneOf"}}


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
