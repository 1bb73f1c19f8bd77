"""The engine: a domain in, a blueprint out. It knows no web framework and no database."""
