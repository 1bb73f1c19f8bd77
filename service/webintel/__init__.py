"""The Web Intelligence Platform: a domain in, a versioned extraction blueprint out."""

from importlib.metadata import version

__version__ = version("webintel")
