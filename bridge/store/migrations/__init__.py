"""Numbered schema changes; one that has been released is never edited."""
