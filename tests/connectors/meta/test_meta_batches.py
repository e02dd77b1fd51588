"""Meta: handles, answers by halves, prices as people see them, and the token that is taken back."""

import asyncio
from functools import partial
from typing import Any

import httpx
import pytest

from bridge.contract.errors import Gone, NeedsPerson, Refused, TryLater
from bridge.contract.ports import ProductEdit
from bridge.contract.stock import Accepted, Applied, Rejected, StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.listing_map import Category, ListingMap
from bridge.domain.money import Money
from bridge.domain.surface import Item, items_of
from bridge.sandbox.kit.loop import START
from bridge.wire.http import Request, Response
from connectors.meta.judge import judge
from connectors.meta.mapping import item
from connectors.meta.price import shown_price
from tests.connectors.surfaces import Surface, on_a_surface

play = partial(on_a_surface, "meta", settings={})


def test_sold_out_says_so_and_comes_back() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for target in (0, 3):
            await surface.write(("TEE", target))
            await asyncio.sleep(2)
            shown = surface.shop.item("TEE")
            assert (shown.quantity, shown.available) == (target, target > 0)

    play(scene)


def test_an_item_that_is_marked_sold_out_shows_none_whatever_its_number_says() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.shop.item("TEE").available = False
        (level,) = await surface.connector.stock.read([StockKey("TEE")])
        assert level.quantity == 0

    play(scene)


def test_rows_go_out_in_their_order_so_sold_out_leaves_first() -> None:
    async def scene(surface: Surface) -> None:
        rows = [("GONE", 0), *((f"SKU-{n}", n) for n in range(1, 5000))]
        changes = [StockChange(key=StockKey(sku), delta=target, shown=0) for sku, target in rows]
        batches = surface.connector.stock.batches(changes)
        assert [len(batch) for batch in batches] == [2999, 2001]
        body = surface.connector.stock.prepare(batches[0], "k").body
        assert body.index("GONE") < body.index("SKU-1")

    play(scene)


def test_a_batch_that_is_refused_half_says_which_half() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", "CAP", "MUG")
        surface.shop.refuse("CAP", "The item violates a policy")
        prepared, outcomes = await surface.write(("TEE", 1), ("CAP", 2), ("GHOST", 3), ("MUG", 4))
        assert {type(one) for one in outcomes} == {Accepted}
        assert await surface.ended(prepared, outcomes) is None
        await asyncio.sleep(2)
        ended = await surface.ended(prepared, outcomes)
        assert ended is not None
        assert [type(one) for one in ended] == [Applied, Rejected, Rejected, Applied]
        kinds = [one.kind for one in ended if isinstance(one, Rejected)]
        assert kinds == ["invalid", "gone"]
        assert "GHOST" not in surface.shop.stock(), "a number makes no item"

    play(scene)


def test_a_handle_that_never_ends_stays_open_and_an_unknown_one_is_gone() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.shop.stall()
        prepared, outcomes = await surface.write(("TEE", 1))
        await asyncio.sleep(3600)
        assert await surface.ended(prepared, outcomes) is None
        with pytest.raises(Gone):
            await surface.connector.tickets.look("AczNobody", prepared)
        surface.shop.stall(on=False)
        await asyncio.sleep(2)
        assert await surface.ended(prepared, outcomes) is not None

    play(scene)


def test_an_edit_does_not_wait_for_a_batch_that_does_not_end() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.shop.stall()
        (tee,) = await surface.connector.catalog.get(["TEE"])
        began = surface.loop.time()
        edit = ProductEdit(current=tee, fields=frozenset({"title"}), title="New")
        (result,) = await surface.connector.products.edit([edit], "k")
        assert surface.loop.time() - began < 10
        assert result.product is not None
        assert result.product.title == "New"

    play(scene)


def test_a_token_that_is_taken_back_needs_a_person() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        prepared, outcomes = await surface.write(("TEE", 1))
        surface.shop.revoke()
        with pytest.raises(NeedsPerson, match="invalidated") as caught:
            await surface.ended(prepared, outcomes)
        assert "system-user token" in caught.value.next_step

    play(scene)


def test_the_limit_of_a_catalogue_is_waited_for() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for _ in range(4):
            await surface.connector.catalog.get(["TEE"])
        assert surface.loop.time() >= 3600

    play(scene, calls_per_hour=3)


def test_an_app_that_demands_a_proof_is_given_one() -> None:
    async def scene(surface: Surface) -> None:
        assert (await surface.connector.account.check()).name

    play(scene, proof=True)
    with pytest.raises(NeedsPerson, match="appsecret_proof") as caught:
        on_a_surface("meta", scene, {"app_secret": ""}, proof=True)
    assert "app_secret" in caught.value.next_step


def _product(**more: Any) -> Product:
    variants = (Variant(id="", sku="CAP/1", price=Money(900, "USD"), compare_at=Money(1200, "USD")),)
    fields: dict[str, Any] = {
        "title": "Cap",
        "description": "Warm",
        "images": ("https://x.example/1.jpg",),
        "tags": ("hats",),
    }
    return Product(id="", variants=variants, updated_at=START, **{**fields, **more})


def test_a_new_item_carries_what_the_map_says_and_starts_sold_out() -> None:
    place = Category(tag="hats", id="173", fixed={"Age group": "adult"})

    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        making = await surface.connector.products.create(_product(), "k")
        await asyncio.sleep(30)
        assert await surface.connector.products.made(making.ticket, making.product) is not None
        made = surface.shop.item("CAP/1")
        assert (made.price, made.sale_price, made.quantity, made.available) == (1200, 900, 0, False)
        assert made.link == "https://shop.example/p/CAP%2F1"
        assert made.more["google_product_category"] == "173"

    on_a_surface(
        "meta",
        scene,
        {"link": "https://shop.example/p/{sku}", "listing_map": ListingMap(categories=(place,)), "brand": "Acme"},
    )


@pytest.mark.parametrize(("field", "without"), [("description", ""), ("images", ()), ("title", " ")])
def test_a_product_that_lacks_a_field_is_refused_by_its_name(field: str, without: Any) -> None:
    async def scene(surface: Surface) -> None:
        with pytest.raises(Refused, match=field):
            await surface.connector.products.create(_product(**{field: without}), "k")

    play(scene)


def test_without_a_link_nothing_is_created() -> None:
    async def scene(surface: Surface) -> None:
        with pytest.raises(Refused, match="link"):
            await surface.connector.products.create(_product(), "k")

    on_a_surface("meta", scene, {"link": ""})


@pytest.mark.parametrize(
    ("shown", "currency", "minor"),
    [
        ("$1,234.50", "USD", 123450), ("12,50 €", "EUR", 1250), ("Rp460.000", "IDR", 46_000_000), ("¥1,200", "JPY", 1200),
        ("1.234,56 €", "EUR", 123456), ("CHF 1'200.00", "CHF", 120000), ("KD 1.250", "KWD", 1250), ("$0.00", "USD", 0),
        ("1\u202f234,00\u00a0€", "EUR", 123400), ("$12", "USD", 1200),
    ],
)  # fmt: skip
def test_a_price_is_read_as_people_see_it(shown: str, currency: str, minor: int) -> None:
    """ "Rp460.000" is quoted from a live catalogue by a public client; the others follow the locales' habits."""
    assert shown_price({"price": shown}, "price", currency) == Money(minor, currency)


def test_a_price_that_is_none_is_odd() -> None:
    for shown in ("free", "much"):
        with pytest.raises(ValueError, match="price"):
            shown_price({"price": shown}, "price", "USD")


def test_a_reduced_price_is_what_a_buyer_pays() -> None:
    found = item({"retailer_id": "A", "currency": "USD", "price": "$20.00", "sale_price": "$15.00"})
    assert (found.price, found.compare_at) == (Money(1500, "USD"), Money(2000, "USD"))
    assert (found.full_price, found.sale_price) == (Money(2000, "USD"), Money(1500, "USD"))
    assert Item(id="A", price=Money(1, "USD")).sale_price is None


def test_siblings_share_a_group_and_have_their_own_page() -> None:
    two = tuple(Variant(id="", sku=sku, price=Money(1, "USD"), options=(("Colour", sku),)) for sku in ("R", "B"))
    shirt = Product(id="", title="T", variants=two, updated_at=START)
    red, blue = items_of(shirt, "https://x.example/{sku}")
    assert red.group == blue.group != ""
    assert (red.link, red.option("Color")) == ("https://x.example/R", "R")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": 190}, NeedsPerson), (403, {"code": 10}, NeedsPerson), (403, {"code": 200}, NeedsPerson),
        (400, {"code": 100, "error_subcode": 33}, NeedsPerson), (400, {"code": 100}, Refused), (400, {"code": 4}, TryLater),
        (400, {"code": 17}, TryLater), (400, {"code": 80014}, TryLater), (500, {"code": 1}, TryLater), (500, {"code": 2}, TryLater),
    ],
)  # fmt: skip
def test_codes_tell_who_acts_next(status: int, error: dict[str, Any], kind: type[Exception]) -> None:
    """Codes of developers.facebook.com/docs/graph-api/guides/error-handling and overview/rate-limiting."""
    content = httpx.Response(status, json={"error": {"message": "m", "type": "OAuthException", **error}}).content
    usage = '{"1": [{"type": "catalog_batch", "estimated_time_to_regain_access": 3}]}'
    response = Response(
        op="o", status=status, headers={"x-business-use-case-usage": usage}, content=content, at=START, ms=1.0
    )
    found = judge(Request(method="GET", path="p", op="o"), response)
    assert type(found) is kind
    if error["code"] == 80014:
        assert isinstance(found, TryLater)
        assert found.after == 180
