"""Our clock beside the platform's. Pure."""

from datetime import timedelta

__all__ = ["clock_notes"]


def clock_notes(ahead: timedelta, platform: str, most: timedelta = timedelta(minutes=2)) -> list[str]:
    """Say that this machine's clock is `ahead` of the platform's, or behind it, by more than `most`; nothing where it is not."""
    if abs(ahead) <= most:
        return []
    return [f"this machine's clock is {ahead.total_seconds():+.0f} s off {platform}'s: synchronise it (NTP)"]
