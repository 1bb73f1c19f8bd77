"""Puts back together the flat arrays in which Nuxt writes its state (the `devalue` format)."""

from typing import Final

_MAX_DEPTH: Final = 40
_MAX_NODES: Final = 200_000
# Wrappers around one value, such as ["ShallowReactive", 1]; the others hold values of their own.
_WRAPPERS: Final = frozenset(("Reactive", "ShallowReactive", "Ref", "ShallowRef", "EmptyRef", "EmptyShallowRef"))


def revive(flat: list[object]) -> object:
    """Resolve the indexes of a flat array, down to a depth."""
    left = _MAX_NODES

    def value(index: object, depth: int) -> object:
        nonlocal left
        left -= 1
        if not isinstance(index, int) or not 0 <= index < len(flat) or depth > _MAX_DEPTH or left < 0:
            return None
        raw = flat[index]
        if isinstance(raw, dict):
            return {key: value(part, depth + 1) for key, part in raw.items()}
        if isinstance(raw, list):
            if raw and isinstance(raw[0], str):
                if raw[0] in _WRAPPERS:
                    return value(raw[1], depth + 1) if len(raw) > 1 else None
                return raw[1] if len(raw) > 1 and raw[0] == "Date" else None
            return [value(part, depth + 1) for part in raw]
        return raw

    return value(0, 0)
