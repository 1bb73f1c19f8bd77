"""Limits of a visit, and what to keep of what became of its URLs."""

from collections import Counter
from typing import Any

import msgspec

from webintel.engine.fetch import ConnectTo, FetchOptions
from webintel.engine.model import FetchRecord
from webintel.settings import PREFIX, Settings, SettingsError

MAX_LISTED = 200
"""How many skipped and failed URLs a job's result names."""


def fetch_options(settings: Settings, parameters: dict[str, Any] | None = None) -> FetchOptions:
    """Read the limits from the settings; a job may narrow them, not widen them.

    Raises:
        SettingsError: a setting cannot be used.
    """
    wanted = parameters or {}
    try:
        connect_to = tuple(ConnectTo.parse(rule) for rule in settings.fetch_connect_to)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}FETCH_CONNECT_TO: {error}.") from error
    limits: dict[str, Any] = {
        "max_pages": min(settings.fetch_max_pages, wanted.get("max_pages") or settings.fetch_max_pages),
        "max_seconds": min(settings.fetch_max_seconds, wanted.get("max_seconds") or settings.fetch_max_seconds),
        "delay": max(settings.fetch_delay, wanted.get("delay") or 0.0),
    }
    if settings.fetch_user_agent is not None:
        limits["user_agent"] = settings.fetch_user_agent
    try:
        return FetchOptions(
            connect_to=connect_to,
            allow_private=settings.fetch_allow_private,
            allow_ports=settings.fetch_allow_ports,
            **limits,
        )
    except ValueError as error:
        name = "USER_AGENT" if "user_agent" in str(error) else "ALLOW_PRIVATE"
        raise SettingsError(f"{PREFIX}FETCH_{name}: {error}.") from error


def summary(fetches: list[FetchRecord]) -> dict[str, Any]:
    """Count a visit's URLs by outcome and name those that were skipped or failed, up to a bound."""
    unhappy = [record for record in fetches if record.outcome in {"skipped", "failed"}]
    return {
        "urls": dict(sorted(Counter(record.outcome for record in fetches).items())),
        "reasons": dict(sorted(Counter(record.reason or "unknown" for record in unhappy).items())),
        "skipped_and_failed": [msgspec.to_builtins(record) for record in unhappy[:MAX_LISTED]],
        "skipped_and_failed_total": len(unhappy),
    }
