"""What a page says about itself for machines, whatever the notation.

Items of JSON-LD, microdata and RDFa come in one shape: `{"@source": "json_ld", "@type": ["Product"], "@id": "...",
"name": ["..."], "offers": [{...}]}`. Types and properties of schema.org stand without its prefix, and every property is
a list of texts, numbers, truth values and nested items.
"""

from selectolax.lexbor import LexborHTMLParser

from webintel.engine.structured.model import Item, State, StructuredData

__all__ = ["Item", "State", "StructuredData", "read_structured"]


def read_structured(tree: LexborHTMLParser, base_url: str, meta: dict[str, list[str]]) -> StructuredData:
    """Read all structured data of a page, within bounds of depth and size."""
    return StructuredData(items=[], open_graph={}, states=[])
