"""Logs: one JSON line for each event, or coloured text for a person at a terminal."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TextIO
from uuid import UUID

import msgspec
import structlog
from structlog.contextvars import get_contextvars

from webintel.settings import Settings

QUIET = {
    "httpx": "WARNING",
    "httpcore": "WARNING",
    "hpack": "WARNING",
    "pgqueuer": "ERROR",
    "asyncio": "WARNING",
    "alembic": "WARNING",
}
"""Libraries that tell more than anybody wants to read."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}
_ADDRESS = re.compile(r"[^\s@()'\"<>=:,]{1,64}@[^\s@()'\"<>=:,]{1,255}")
_encoder = msgspec.json.Encoder(enc_hook=repr)


class _Lines(NamedTuple):
    """Where to write lines of JSON, and whose."""

    output: TextIO
    role: str
    least: int


_lines: _Lines | None = None


def line(level: Literal["debug", "info", "error"], event: str, values: dict[str, Any]) -> None:
    """Log what consists of ids, names and numbers of our own: no exception, no text of others.

    Every request pays for its line, and what structlog's processors do for it costs three times the rest of it.
    """
    if _lines is None:
        shown = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
        getattr(structlog.get_logger(__name__), level)(event, **shown)
    elif _LEVELS[level] >= _lines.least:
        told = {"role": _lines.role, "event": event} | get_contextvars() | values
        _lines.output.write(_to_json(told | {"level": level, "timestamp": datetime.now(UTC)}) + "\n")
        _lines.output.flush()


def configure_logging(settings: Settings, *, role: str, stream: TextIO | None = None) -> None:
    """Send the events of structlog and of every library the same way.

    Args:
        settings: the level and the format.
        role: stands in every line, so that the lines of several processes can be told apart.
        stream: where to; standard error unless told otherwise.
    """
    global _lines  # noqa: PLW0603 - one for the process
    output = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = _rendering(settings, output, role)
    as_json = isinstance(rendering[-1], structlog.processors.JSONRenderer)
    _lines = _Lines(output, role, logging.getLevelName(settings.log_level)) if as_json else None
    # Our own events go straight to the stream: by way of the standard library each would cost three times as much.
    structlog.configure(
        processors=[*shared, structlog.processors.StackInfoRenderer(), *rendering],
        logger_factory=structlog.WriteLoggerFactory(output),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def _rendering(settings: Settings, output: TextIO, role: str) -> list[Any]:
    wanted = settings.log_format
    if wanted == "auto":
        wanted = "console" if output.isatty() and not settings.production else "json"
    if wanted == "console":
        return [structlog.dev.ConsoleRenderer(colors=output.isatty(), pad_event_to=0)]

    def name_role(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"role": role, **event}

    # Local variables stay out of the log: they hold passwords and pages.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    return [
        name_role,
        structlog.processors.ExceptionRenderer(tracebacks),
        _withhold_people,
        structlog.processors.JSONRenderer(_to_json),
    ]


def _withhold_people(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Blot out e-mail addresses where text of others comes in: a database's error quotes the row that it refuses."""
    for name in ("exception", "traceback"):
        if name in event:
            event[name] = _without_addresses(event[name])
    return event


def _without_addresses(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub("(address)", value)
    if isinstance(value, dict):
        return {name: _without_addresses(part) for name, part in value.items()}
    return [_without_addresses(part) for part in value] if isinstance(value, list) else value


def _to_json(event: structlog.typing.EventDict, **_: Any) -> str:
    try:
        return msgspec.json.format(_encoder.encode(event), indent=0).decode()
    except (TypeError, ValueError):  # half a character, or a key that is no text
        return json.dumps(event, default=repr, skipkeys=True)
