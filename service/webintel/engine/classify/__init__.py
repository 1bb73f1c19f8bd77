"""What kind of page a page is, and which page goes on where it ends."""

from webintel.engine.classify.next_page import next_page_url
from webintel.engine.classify.page_type import classify_page

__all__ = ["classify_page", "next_page_url"]
