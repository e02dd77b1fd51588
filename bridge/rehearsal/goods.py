"""The demo's catalogue: a clothes shop on three platforms, with the mistakes that real catalogues have."""

import random
from typing import Any

from bridge.sandbox.kit.platform import Platform

__all__ = ["MISTAKES", "stock_shop"]

_THINGS = (
    ("T-Shirt", "TEE", 1990), ("Hoodie", "HOOD", 4990), ("Linen Shirt", "SHIRT", 5900), ("Rain Jacket", "JACKET", 12900),
    ("Wool Jumper", "JUMPER", 8900), ("Chinos", "CHINO", 6900), ("Sneakers", "SNEAK", 7990), ("Beanie", "BEANIE", 1690),
    ("Scarf", "SCARF", 2900), ("Canvas Bag", "BAG", 2450), ("Polo Shirt", "POLO", 3490), ("Summer Dress", "DRESS", 7490),
    ("Pleated Skirt", "SKIRT", 5490), ("Denim Jacket", "DENIM", 9900), ("Joggers", "JOGGER", 4490), ("Cardigan", "CARDI", 6490),
    ("Sandals", "SANDAL", 4990), ("Belt", "BELT", 3490), ("Cap", "CAP", 1990), ("Umbrella", "UMBRELLA", 2790),
)  # fmt: skip
_COLOURS = (("Red", "RED"), ("Blue", "BLU"), ("Green", "GRN"), ("Black", "BLK"), ("Sand", "SND"))
_SIZES = ("S", "M", "L", "XL")
_ONE_SIZE = {"SCARF", "BAG", "BEANIE", "BELT", "CAP", "UMBRELLA"}

MISTAKES = {
    "shopify": "one SKU on two products",
    "square": "an item without SKU and barcode, and an orphan: an item that is sold at the till alone",
    "woocommerce": "a SKU in another case than everywhere else, and a misspelt one",
}


def stock_shop(platform: Platform, *, seed: int) -> None:
    """Fill a stand-in: the same goods everywhere, numbers a little off here and there, and one mistake each."""
    shelf, off = random.Random(seed), random.Random(f"{seed} {platform.name}")
    products = [_product(thing, colour, shelf, off) for thing in _THINGS for colour in _COLOURS]
    platform.shop.seed(products + _mistakes(platform.name))


def _product(
    thing: tuple[str, str, int], colour: tuple[str, str], shelf: random.Random, off: random.Random
) -> dict[str, Any]:
    name, code, cents = thing
    sizes = ("",) if code in _ONE_SIZE else _SIZES
    variants = [_variant(f"{code}-{colour[1]}{f'-{size}' if size else ''}", cents, size, shelf, off) for size in sizes]
    return {"title": f"{name} {colour[0]}", "variants": variants} | ({"options": ["Size"]} if sizes != ("",) else {})


def _variant(sku: str, cents: int, size: str, shelf: random.Random, off: random.Random) -> dict[str, Any]:
    slip = off.choice((-2, -1, 1, 3)) if off.random() < 0.05 else 0
    stock = max(0, shelf.randint(4, 40) + slip)
    barcode = f"20{int.from_bytes(sku.encode()[-5:], 'big') % 10**10:010d}0"
    variant: dict[str, Any] = {"sku": sku, "barcode": barcode, "price": f"{cents / 100:.2f}", "stock": stock}
    return variant | ({"options": {"Size": size}} if size else {})


def _mistakes(platform: str) -> list[dict[str, Any]]:
    twin = _sleeve("sleeve-1" if platform == "woocommerce" else "SLEEVE-1")
    tote = {
        "title": "Tote",
        "variants": [{"sku": "TOTE-NTA" if platform == "woocommerce" else "TOTE-NAT", "price": "9.50", "stock": 25}],
    }
    own: dict[str, list[dict[str, Any]]] = {
        "shopify": [
            {"title": "Gift Card Sleeve (old)", "variants": [{"sku": "SLEEVE-1", "price": "1.20", "stock": 4}]}
        ],
        "square": [
            {"title": "Mystery Box", "variants": [{"sku": "", "price": "9.00", "stock": 7}]},
            {"title": "Shoe Shine", "variants": [{"sku": "SHINE-1", "price": "4.00", "stock": 12}]},
        ],
    }
    return [twin, tote, *own.get(platform, [])]


def _sleeve(sku: str) -> dict[str, Any]:
    return {"title": "Gift Card Sleeve", "variants": [{"sku": sku, "price": "1.50", "stock": 30}]}
