"""Technology detection: what a page or a site runs on, from rules that are data files."""

from webintel.engine.fingerprint.detect import Fingerprinter, default_fingerprinter
from webintel.engine.fingerprint.rendering import requires_javascript

__all__ = ["Fingerprinter", "default_fingerprinter", "requires_javascript"]
