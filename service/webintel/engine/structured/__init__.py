"""What a page says about itself for machines, whatever the notation.

Items of JSON-LD, microdata and RDFa come in one shape: `{"@source": "json_ld", "@type": ["Product"], "@id": "...",
"name": ["..."], "offers": [{...}]}`. Types and properties of schema.org stand without its prefix, and every property is
a list of texts, numbers, truth values and nested items.
"""

from typing import Final

from selectolax.lexbor import LexborHTMLParser

from webintel.engine.structured.attributes import read_microdata, read_rdfa
from webintel.engine.structured.json_ld import read_json_ld
from webintel.engine.structured.model import Item, State, StructuredData
from webintel.engine.structured.states import flight, script_state, variables

__all__ = ["Item", "State", "StructuredData", "read_structured"]

_MAX_SCRIPTS: Final = 500
_MAX_JSON_LD: Final = 60
_MAX_STATES: Final = 200
_OPEN_GRAPH: Final = ("og:", "product:", "article:", "twitter:", "book:", "profile:", "music:", "video:", "fb:")
_CODE_TYPES: Final = frozenset(("", "text/javascript", "application/javascript", "module"))


def read_structured(tree: LexborHTMLParser, base_url: str, meta: dict[str, list[str]]) -> StructuredData:
    """Read all structured data of a page, within bounds of depth and size."""
    json_ld: list[str] = []
    codes: list[str] = []
    states: list[State] = []
    for node in tree.css("script")[:_MAX_SCRIPTS]:
        child = node.first_child
        text = child.text_content if child is not None else None
        if not text:
            continue
        attributes = node.attributes
        media_type = (attributes.get("type") or "").partition(";")[0].strip().lower()
        if "ld+json" in media_type:
            json_ld.append(text)
        elif media_type.endswith("json"):
            state = script_state(text, attributes)
            states += [state] if state is not None else []
        elif media_type in _CODE_TYPES:
            codes.append(text)
    for code in codes:
        states += variables(code)
    streamed = flight(codes)
    items = read_json_ld(json_ld[:_MAX_JSON_LD]) + read_microdata(tree, base_url) + read_rdfa(tree, base_url)
    return StructuredData(
        items=items,
        open_graph={name: values for name, values in meta.items() if name.startswith(_OPEN_GRAPH)},
        states=[*states, *([streamed] if streamed is not None else [])][:_MAX_STATES],
    )
