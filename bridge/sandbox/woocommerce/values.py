"""PHP's and WordPress's ways with numbers, booleans, prices and dates."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

_LEADING_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_PRICE = re.compile(r"\.(?![^.]+$)|[^0-9.-]")
CENT = Decimal("0.01")


def php_int(value: Any) -> int:
    """Cast as PHP's intval does: the leading digits, and 0 for what has none (`"12abc"` -> 12, `"x"` -> 0, 3.7 -> 3)."""
    if isinstance(value, (bool, int, float)):
        return int(value)
    if isinstance(value, str):
        found = _LEADING_NUMBER.match(value)
        return int(float(found.group())) if found else 0
    return 1 if value else 0


def is_integer(value: Any) -> bool:
    """Tell whether WordPress's schema check takes the value for an integer ("13" and 13.0 pass, 3.7 and True do not)."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return True
    number = to_number(value)
    return number is not None and number == round(number)


def to_number(value: Any) -> float | None:
    """Return what PHP's is_numeric accepts as a number, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str) and (found := _LEADING_NUMBER.fullmatch(value.rstrip())):
        return float(found.group())
    return None


def to_bool(value: Any) -> bool:
    """Cast as wc_string_to_bool does."""
    if isinstance(value, str):
        return value.lower() in ("yes", "true", "1")
    return bool(value)


def price_text(value: Any) -> str:
    """Clean a price as wc_format_decimal does: keep digits, sign and the last point; "abc" becomes ""."""
    return _NOT_PRICE.sub("", str(value)) if value is not None else ""


def decimal(value: Any) -> Decimal:
    """Return an amount as a Decimal; an empty or senseless one is 0."""
    cleaned = price_text(value)
    return Decimal(cleaned) if cleaned and cleaned not in ("-", ".") else Decimal(0)


def money(amount: Decimal) -> str:
    """Write an amount with the shop's two decimals."""
    return str(amount.quantize(CENT, ROUND_HALF_UP))


def plain_number(amount: Decimal) -> int | float:
    """Return a number as PHP's json_encode writes it: 12.0 as 12."""
    number = float(amount)
    return int(number) if number.is_integer() else number


@lru_cache(maxsize=65536)
def iso(seconds: int) -> str:
    """Write epoch seconds as WordPress does, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1024)
def parse_date(text: str, offset: int) -> int | None:
    """Read a date argument into zone-less epoch seconds; a zone suffix is turned into the shop's local time.

    `offset` is the shop's distance from UTC in seconds. None when it is no date (a bare date is midnight)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return int(moment.replace(tzinfo=UTC).timestamp())
    return int(moment.timestamp()) + offset


def slugify(text: str) -> str:
    """Make a slug as sanitize_title does for plain text."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def autop(text: str) -> str:
    """Wrap text in paragraphs as wpautop does; texts in the view context are shown like this."""
    if not text.strip():
        return ""
    blocks = (block.strip() for block in re.split(r"\n\s*\n", text.strip()))
    return "".join(_paragraph(block) for block in blocks if block)


def _paragraph(block: str) -> str:
    if re.match(r"<(p|div|ul|ol|h[1-6]|table|blockquote|pre|figure|section)\b", block, re.I):
        return block + "\n"
    return "<p>" + block.replace("\n", "<br />\n") + "</p>\n"
