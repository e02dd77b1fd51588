"""Catalogues as they are: SKUs twice, in another case, missing, barcodes twice, unknown products in orders, deletions, currencies."""

from collections.abc import Sequence

import pytest

from tests.baddays.conftest import ADay
from tests.baddays.day import PLATFORMS, Day, good


def everywhere(day: Day) -> None:
    """One sound product on all platforms, so that one sees the rest go on."""
    day.seed(good("TEE", stock=20))
    day.truth = {"TEE": 20}


def goes_on(day: Day, skus: Sequence[str] = ("TEE",)) -> None:
    """Sell the sound product everywhere: it comes into step whatever is wrong with others."""
    day.wait(10)
    for name in day.platforms:
        day.sells(name, "TEE")
    said = day.bridge("sync")
    assert said.code == 0, said.text
    assert "Everything is in step" in said.out
    assert {sku: set(day.numbers(sku).values()) for sku in skus} == {sku: {day.truth[sku]} for sku in skus}
    assert day.problems(truth=False) == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_sku_twice_on_one_channel(day: Day, name: str) -> None:
    everywhere(day)
    one, two = day.shop(name).seed([good("DUP", stock=5), good("DUP", stock=3)])
    for other in set(PLATFORMS) - {name}:
        day.shop(other).seed([good("DUP", stock=9)])
    told = day.opened().out
    (line,) = [row for row in told.splitlines() if row.startswith(f"{name}: SKU DUP is on 2 listings (")]
    assert f"give each its own SKU, or `bridge link {name} " in line
    command = line.rpartition("`bridge ")[2].strip("`").split()
    before = day.shop(name).stock()
    goes_on(day)
    after = day.shop(name).stock()
    assert {sku: after[sku] for sku in ("DUP", "DUP#2")} == {sku: before[sku] for sku in ("DUP", "DUP#2")}, "no guess"
    said = day.bridge(*command)
    assert said.code == 0, said.text
    assert command[2] in one["variant"] + two["variant"]
    assert "SKU DUP is on 2 listings" not in day.bridge("link").out, "what was decided by hand is no finding"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_sku_in_another_case(day: Day, name: str) -> None:
    everywhere(day)
    others = [other for other in PLATFORMS if other != name]
    for other in others:
        day.shop(other).seed([good("Mug-L", stock=9)])
    # Of two spellings the one that was read first counts: WooCommerce is read first here.
    right, wrong = ("Mug-L", "MUG-L") if name != "woocommerce" else ("MUG-L", "Mug-L")
    day.shop(name).seed([good("MUG-L", stock=4)])
    told = day.opened().out
    strays = [name] if name != "woocommerce" else others
    for stray in strays:
        (line,) = [
            row
            for row in told.splitlines()
            if row.startswith(f"{stray}: SKU {wrong} differs from {right} only in case")
        ]
        assert f"correct it on {stray}, or `bridge link {stray} " in line
        assert line.endswith(f" {right}`")
    goes_on(day)
    for stray in strays:
        (line,) = [row for row in told.splitlines() if row.startswith(f"{stray}: SKU {wrong} differs")]
        assert day.bridge(*line.rpartition("`bridge ")[2].strip("`").split()).code == 0
    day.bridge("sync")
    day.until_quiet()
    assert set(day.numbers(right).values()) | set(day.numbers(wrong).values()) == {4 if name == "woocommerce" else 9}


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_sku_at_all(day: Day, name: str) -> None:
    everywhere(day)
    (row,) = day.shop(name).seed([{**good("", stock=6), "title": "Mystery Box"}])
    told = day.opened().out
    (line,) = [one for one in told.splitlines() if one.startswith(f"{name}: Mystery Box")]
    assert "has no SKU and no barcode that means one SKU: give it a SKU, or `bridge link" in line
    assert row["variant"].rpartition("/")[2] in line
    before = day.shop(name).stock()
    goes_on(day)
    after = day.shop(name).stock()
    assert {sku: row for sku, row in after.items() if sku != "TEE"} == {
        sku: row for sku, row in before.items() if sku != "TEE"
    }


def test_no_sku_but_a_barcode_that_is_known(day: Day) -> None:
    everywhere(day)
    day.seed(good("MUG", stock=8, barcode="4006381333931"), only=["woocommerce", "shopify"])
    day.shop("square").seed([good("", stock=3, barcode="4006381333931")])
    day.truth["MUG"] = 8
    assert "square: " not in day.opened().out
    day.until_quiet()
    assert day.numbers("MUG") == {"woocommerce": 8, "shopify": 8}
    assert [sum(row.values()) for sku, row in day.shop("square").stock().items() if sku != "TEE"] == [8]


@pytest.mark.parametrize("name", PLATFORMS)
def test_one_barcode_on_two_listings_without_a_sku(day: Day, name: str) -> None:
    everywhere(day)
    rows = day.shop(name).seed([good("", stock=2, barcode="4006381333931"), good("", stock=6, barcode="4006381333931")])
    told = day.opened().out
    lines = [
        one
        for one in told.splitlines()
        if one.startswith(f"{name}: barcode 4006381333931 is on 2 listings without SKU (")
    ]
    assert len(lines) == 2
    ids = sorted(row["variant"].rpartition("/")[2] for row in rows)
    for line, listing in zip(sorted(lines), ids, strict=True):
        assert ", ".join(ids) in line
        assert line.endswith(f"give each a SKU, or `bridge link {name} {listing} SKU`")
    goes_on(day)


def test_one_barcode_on_two_skus_links_neither(day: Day) -> None:
    everywhere(day)
    day.seed(good("MUG-1", barcode="4006381333931"), good("MUG-2", barcode="4006381333931"), only=["woocommerce"])
    day.shop("square").seed([good("", stock=3, barcode="4006381333931")])
    told = day.opened().out
    assert "has no SKU and no barcode that means one SKU: give it a SKU, or `bridge link square" in told
    goes_on(day)
    assert [sum(row.values()) for sku, row in day.shop("square").stock().items() if sku != "TEE"] == [3]


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_order_with_a_line_of_an_unknown_product(day: Day, name: str) -> None:
    everywhere(day)
    (row, _) = day.shop(name).seed([good("DUP", stock=5), good("DUP", stock=5)])
    day.opened()
    day.wait(10)
    order = day.shop(name).sale([{"id": row["variant"], "quantity": 1}, {"sku": "TEE", "quantity": 2}])
    day.truth["TEE"] -= 2
    said = day.bridge("sync")
    assert said.code == 3
    assert f"{name}: parked: order " in said.out
    assert "has lines of unknown products: " in said.out
    assert "DUP; link them with `bridge link`\n" in said.out.replace(" Regular;", ";")
    assert "1 parked items wait for a person: `bridge parked`" in said.out
    assert order.rpartition("/")[2] in day.bridge("parked").out
    assert set(day.numbers("TEE").values()) == {18}, "the line that is known counts at once"
    assert day.problems() == []
    variant = row["variant"].rpartition("/")[2]
    assert day.bridge("link", name, variant, "DUP", "--new").code == 0
    day.until_quiet()
    said = day.bridge("why", "DUP")
    assert "sale" in said.out, "linked, the line counts too"
    assert day.bridge("parked").out == "nothing is parked\n"
    assert day.problems() == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_product_deleted_on_one_side(day: Day, name: str) -> None:
    everywhere(day)
    day.seed(good("MUG", stock=8))
    day.truth["MUG"] = 8
    day.opened()
    day.until_quiet()
    day.wait(10)
    day.shop(name).delete_product("MUG")
    others = [other for other in PLATFORMS if other != name]
    for other in others:
        day.sells(other, "MUG")
    said = [day.bridge("sync"), day.bridge("audit"), day.bridge("sync")]
    assert "Traceback" not in "".join(one.text for one in said)
    told = day.bridge("parked").out
    assert f"MUG was deleted on {name}: its stock goes on elsewhere; create it again there, or leave it" in told or (
        f"MUG is no more on {name}" in told
    )
    assert day.numbers("MUG") == dict.fromkeys(others, 6)
    goes_on(day)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_product_deleted_while_its_number_is_being_written(day: Day, name: str) -> None:
    """The news of the deletion has not been read yet when the write goes out."""
    everywhere(day)
    day.seed(good("MUG", stock=8), good("CAP", stock=8))
    day.truth |= {"MUG": 8, "CAP": 8}
    day.opened()
    day.until_quiet()
    day.wait(10)
    other = next(one for one in PLATFORMS if one != name)
    day.sells(other, "MUG", 2)
    day.sells(other, "CAP", 2)
    day.before_write(name, lambda: day.shop(name).delete_product("MUG"))
    said = day.bridge("sync")
    assert said.code in {0, 3}, said.text
    assert "Traceback" not in said.text
    day.wait(30)
    day.bridge("sync")
    day.bridge("audit")
    assert f"on {name}" in day.bridge("parked").out
    assert set(day.numbers("CAP").values()) == {6}, "the other row of the same call was written"
    goes_on(day, ("TEE", "CAP"))


def test_currencies_that_differ_refuse_the_price_and_nothing_else(a_day: ADay) -> None:
    day = a_day("woocommerce", "shopify", "square", shopify={"currency": "EUR"})
    everywhere(day)
    day.extra += '[products]\nowner = "woocommerce"\n'
    day.write_config()
    day.opened()
    first = day.bridge("sync")
    day.wait(10)
    day.shop("woocommerce").edit_product("TEE", price="99.00", title="Better Tee")
    said = day.bridge("sync")
    told = first.out + said.out + day.bridge("parked").out
    assert "shopify" in told
    assert "EUR" in told
    assert "USD" in told
    assert day.listings("shopify") == [("TEE", "Better Tee", "12.50")], "99 dollars are not 99 euros"
    assert day.listings("square") == [("TEE", "Better Tee", "99.00")]
    goes_on(day)


def test_currencies_that_differ_mirror_no_order(a_day: ADay) -> None:
    day = a_day("woocommerce", "shopify", shopify={"currency": "EUR"})
    everywhere(day)
    day.extra += '[orders]\nhome = "woocommerce"\nmirror = ["shopify"]\n'
    day.write_config()
    day.opened()
    day.wait(10)
    day.sells("shopify", "TEE", 2)
    said = day.bridge("sync")
    assert said.code == 3
    assert (
        "shopify: parked: order #1001: it is in EUR and woocommerce sells in USD, so it cannot be mirrored there"
        in said.out
    )
    assert "pack it by hand, or leave its channel out of the mirror" in said.out
    assert day.shop("woocommerce").orders() == []
    assert day.numbers("TEE") == {"woocommerce": 18, "shopify": 18}
    assert day.problems() == []
    said = day.bridge("sync")
    assert said.code == 0, "said once"
    assert "1 parked items wait for a person: `bridge parked`" in said.out
