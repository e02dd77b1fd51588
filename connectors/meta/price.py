"""Prices as Meta shows them to people, read back into money. Pure."""

import re

from bridge.domain.money import Money, exponent
from bridge.wire.payload import Odd, Payload, text

__all__ = ["shown_price"]

_NUMBER = re.compile(r"\d[\d.,'\s\u00a0\u202f]*")


def shown_price(payload: Payload, name: str, currency: str) -> Money | None:
    """Read "$1,234.50", "Rp460.000" or "12,50 €"; None where there is none.

    The last separator is the decimal point where as many digits follow it as the currency has; elsewhere it groups thousands.
    """
    shown = text(payload, name)
    if not shown:
        return None
    found = _NUMBER.search(shown)
    if found is None or not currency:
        raise Odd(f"{name} {shown!r} is no price")
    number = re.sub(r"['\s\u00a0\u202f]", "", found[0]).rstrip(".,")
    head, point, tail = number.replace(",", ".").rpartition(".")
    cents = point and len(tail) == exponent(currency)
    return Money.parse(f"{head.replace('.', '')}.{tail}" if cents else (head + tail).replace(".", ""), currency)
