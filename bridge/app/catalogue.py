"""A small shop's catalogue for the stand-ins: garments in sizes and colours, with prices, barcodes and stock."""

import random
from typing import Any

__all__ = ["catalogue"]

_GARMENTS = (
    ("Linen Shirt", "SHIRT", "49.00"),
    ("T-Shirt", "TEE", "19.90"),
    ("Wool Jumper", "JUMPER", "89.00"),
    ("Rain Jacket", "JACKET", "129.00"),
    ("Canvas Bag", "BAG", "24.50"),
    ("Scarf", "SCARF", "29.00"),
)
_COLOURS = ("Red", "Blue", "Green", "Black", "Sand")
_SIZES = ("S", "M", "L")


def catalogue(products: int, shelf: random.Random, errors: random.Random) -> list[dict[str, Any]]:
    """Return this many products with the same SKUs and prices each time.

    `shelf` draws how many there are; `errors` says where a shop's number is off by a few, as it is before a first sync.
    """
    return [_product(index, shelf, errors) for index in range(products)]


def _product(index: int, shelf: random.Random, errors: random.Random) -> dict[str, Any]:
    name, code, price = _GARMENTS[index % len(_GARMENTS)]
    turn = index // len(_GARMENTS)
    colour, edition = _COLOURS[turn % len(_COLOURS)], turn // len(_COLOURS)
    suffix = f"-{edition + 1}" if edition else ""
    title = f"{name} {colour}{f' No. {edition + 1}' if edition else ''}"
    variants = [
        {
            "sku": f"{code}-{colour.upper()}-{size}{suffix}",
            "barcode": _ean(index * len(_SIZES) + place),
            "price": price,
            "options": {"Size": size},
            "stock": _stock(shelf, errors),
        }
        for place, size in enumerate(_SIZES)
    ]
    return {"title": title, "options": ["Size"], "variants": variants}


def _stock(shelf: random.Random, errors: random.Random) -> int:
    off = errors.choice((-2, -1, 1, 3)) if errors.random() < 0.15 else 0
    return max(0, shelf.randint(0, 40) + off)


def _ean(number: int) -> str:
    """Return an EAN-13 of the range for use inside a shop (prefix 2), with its check digit."""
    digits = f"2{number:011d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
