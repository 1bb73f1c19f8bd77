"""Values of one page, from what it says for machines and from how it looks."""

from webintel.engine.fields.extract import extract_fields, labels
from webintel.engine.fields.items import ItemGroup, repeated_items
from webintel.engine.fields.values import same_value

__all__ = ["ItemGroup", "extract_fields", "labels", "repeated_items", "same_value"]
