"""Descriptions for platforms that show tags as they are written. Pure."""

import html
import re

__all__ = ["plain"]


def plain(description: str) -> str:
    """Return a description without its markup, its paragraphs and lists as lines; one that has none comes back as it is."""
    if not re.search(r"<[a-zA-Z/][^>]*>", description):
        return description
    broken = re.sub(r"(?i)<br\s*/?>|</(?:p|div|li|h[1-6])>", "\n", description)
    return re.sub(r"\n{3,}", "\n\n", html.unescape(re.sub(r"<[^>]*>", "", broken))).strip()
