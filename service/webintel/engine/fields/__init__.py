"""Values of one page, from what it says for machines and from how it looks."""

from webintel.engine.fields.items import ItemGroup, repeated_items

__all__ = ["ItemGroup", "repeated_items"]
