"""Production's rules and routes on a clock that runs faster: every duration in them, and nothing else, is shortened."""

import copy
import os
import re
from typing import Any

MINUTE = float(os.environ.get("WEBINTEL_TEST_MINUTE", "1.5"))
"""Seconds that a minute takes; a machine that is busy with other things needs more of them."""

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"\d+(?:ms|[smhd])")
# Durations of an expression: ranges, subqueries, offsets.
IN_EXPRESSION = re.compile(r"\[[^\]]*\]|\boffset\s+\S+")
OF_RULES = {"for", "keep_firing_for", "interval"}
OF_ROUTES = {"group_wait", "group_interval", "repeat_interval", "resolve_timeout"}


def shorten(text: str) -> str:
    """Every duration in a text."""

    def replace(found: re.Match[str]) -> str:
        number, unit = re.fullmatch(r"(\d+)(\D+)", found[0]).groups()  # type: ignore[union-attr]
        return f"{max(1, round(int(number) * UNITS[unit] * 1000 * MINUTE / 60))}ms"

    return DURATION.sub(replace, text)


def expression(text: str) -> str:
    """A query on the faster clock."""
    return IN_EXPRESSION.sub(lambda found: shorten(found[0]), text)


def rules(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups of rules."""
    groups = copy.deepcopy(groups)
    for holder in (*groups, *(rule for group in groups for rule in group["rules"])):
        for key in OF_RULES & holder.keys():
            holder[key] = shorten(holder[key])
        if "expr" in holder:
            holder["expr"] = expression(holder["expr"])
    return groups


def routes(config: Any) -> Any:
    """Alertmanager's configuration."""
    if isinstance(config, list):
        return [routes(one) for one in config]
    if not isinstance(config, dict):
        return config
    return {
        key: shorten(value) if key in OF_ROUTES and value != "0s" else routes(value) for key, value in config.items()
    }
