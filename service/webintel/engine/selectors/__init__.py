"""Selectors: made from several pages of one template, measured on pages left out, applied, verified and repaired."""

from webintel.engine.selectors.apply import apply_selectors, check_selectors, match_page_type
from webintel.engine.selectors.induce import induce_selectors
from webintel.engine.selectors.verify import Change, is_broken, repair_selectors, verify_selectors

__all__ = [
    "Change",
    "apply_selectors",
    "check_selectors",
    "induce_selectors",
    "is_broken",
    "match_page_type",
    "repair_selectors",
    "verify_selectors",
]
