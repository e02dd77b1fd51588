"""Numbers and moments in the reader's words. The templates' filters."""

from datetime import UTC, datetime

from markupsafe import Markup

__all__ = ["FILTERS"]

_AGES = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def number(value: int | None) -> str:
    """1234567 -> "1,234,567"; a number that is not known is a dash."""
    return "–" if value is None else f"{value:,}".replace("-", "\N{MINUS SIGN}")


def signed(value: int) -> str:
    """A change, with its sign."""
    return f"{value:+,}".replace("-", "\N{MINUS SIGN}")


def counted(value: int, noun: str) -> str:
    """1 -> "1 number", 2 -> "2 numbers"."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"


def ago(seconds: float | None) -> str:
    """90 -> "1 minute ago"; None -> "never"."""
    return "never" if seconds is None else f"{lasting(seconds)} ago" if seconds >= 1 else "just now"


def lasting(seconds: float) -> str:
    """How long, in one unit: 5400 -> "2 hours"."""
    for size, noun in _AGES:
        if round(seconds / size) >= 1 and seconds >= size:
            return counted(round(seconds / size), noun)
    return "less than a second"


def quick(milliseconds: int | None) -> str:
    """A bound of a delay: 250 -> "250 ms", 2000 -> "2 s"; None is longer than any bound."""
    if milliseconds is None:
        return "over 1 min"
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


def moment(value: datetime | None) -> Markup | str:
    """A moment in UTC, for people and for programs."""
    if value is None:
        return "–"
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}")


FILTERS = {
    "number": number,
    "signed": signed,
    "counted": counted,
    "ago": ago,
    "lasting": lasting,
    "quick": quick,
    "moment": moment,
}
