"""Names of schema.org without their prefixes."""

import re
from typing import Final

_PREFIX: Final = re.compile(
    r"^(?:https?://(?:www\.)?schema\.org/?#?|schema:|https?://purl\.org/goodrelations/v1#)", re.IGNORECASE
)
_VOCABULARY: Final = re.compile(
    r"^https?://(?:www\.)?(?:schema\.org|data-vocabulary\.org|rdf\.data-vocabulary\.org)/?#?", re.IGNORECASE
)


def short_name(name: str) -> str:
    """A type or property without the prefix of schema.org or of its predecessor."""
    name = name.strip()
    short = _VOCABULARY.sub("", name) if "//" in name else _PREFIX.sub("", name)
    return short or name
