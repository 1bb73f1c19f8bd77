"""The HTTP API: how the areas become one application."""
