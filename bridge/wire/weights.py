"""Weights of goods, which platforms keep in the unit that the merchant likes best. Pure."""

from decimal import Decimal, InvalidOperation

from bridge.wire.payload import Odd

__all__ = ["grams"]

_GRAMS = {
    **dict.fromkeys(("g", "gram", "grams"), Decimal(1)),
    **dict.fromkeys(("kg", "kilogram", "kilograms"), Decimal(1000)),
    **dict.fromkeys(("oz", "ounce", "ounces"), Decimal("28.349523125")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal("453.59237")),
}


def grams(value: object, unit: str) -> int:
    """Return a weight as whole grams; raises Odd for an unknown unit, or what is no number."""
    if unit.casefold() not in _GRAMS:
        raise Odd(f"the unit {unit!r} of a weight is unknown")
    try:
        return round(Decimal(str(value)) * _GRAMS[unit.casefold()])
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise Odd(f"{value!r} is no weight") from error
