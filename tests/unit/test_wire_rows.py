"""What connectors have in common about rows, edits, pages and hints: pure functions."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.contract.feed import Bad, Page
from bridge.contract.limits import Limits
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.contract.stock import Applied, Outcome, Rejected, StockChange
from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.domain.listing_map import Category, ListingMap
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from bridge.wire.api import after_a_write, forbidden, if_allowed, if_there
from bridge.wire.clock import clock_notes
from bridge.wire.feeds import ByWindow, ChangedSince, expressed, last_moves, understood
from bridge.wire.hints import about, inner, word
from bridge.wire.markup import plain
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.paging import by_halves, by_offset, by_time, slices
from bridge.wire.payload import Odd, count, epoch, maybe_instant, must
from bridge.wire.product_edits import (
    OneByOne,
    applied,
    check,
    lacking,
    named_options,
    only,
    outcome_of,
    place_of,
    single,
)
from bridge.wire.stock_rows import (
    NamesNoCauses,
    found,
    one_by_one,
    prepared,
    record_by_record,
    rejection,
    target,
    together,
)
from bridge.wire.stock_rows import check as check_rows
from bridge.wire.tables import Carriers
from tests.unit.make import T0, order

pytestmark = pytest.mark.anyio
LIMITS = Limits(stock_write="absolute", stock_min=0, stock_max=999)
TEE = Product(id="tee", title="A tee", variants=(Variant(id="tee-s", sku="TEE-S"),), updated_at=T0)


def change(sku: str = "A", delta: int = 0) -> StockChange:
    return StockChange(key=StockKey(sku), delta=delta, shown=5)


def edit(price: Money | None = None, **more: object) -> ProductEdit:
    own = VariantEdit(id="tee-s", fields=frozenset({"price"}), price=price)
    whole = ProductEdit(current=TEE, fields=frozenset(more), variants=(own,) if price else ())
    return replace(whole, **more)  # type: ignore[arg-type]


def test_slices_keep_the_order() -> None:
    assert slices([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert slices([], 2) == []


@pytest.mark.parametrize("rows", [[], [change("A"), change("B"), change("C")], [change("A"), change("A")]])
def test_a_batch_is_neither_empty_nor_too_long_nor_double(rows: Sequence[StockChange]) -> None:
    with pytest.raises(Refused):
        check_rows(rows, 2)


def test_a_number_that_the_platform_does_not_take_is_refused() -> None:
    assert target(change(delta=-5), LIMITS) == 0
    for delta in (-6, 995):
        with pytest.raises(Refused, match="0 to 999"):
            target(change(delta=delta), LIMITS)


async def test_a_prepared_write_is_its_text_and_its_rows() -> None:
    written = prepared({"a": 1}, [change()], "key-1")
    assert (written.key, written.body, written.changes) == ("key-1", '{"a":1}', (change(),))
    assert await NamesNoCauses().causes([StockKey("A")], T0) == []


@pytest.mark.parametrize(("error", "kind"), [(Gone("g"), "gone"), (Refused("r"), "invalid"), (TryLater("t"), "retry")])
def test_a_row_ends_as_its_call_did(error: Gone | Refused | TryLater, kind: str) -> None:
    assert rejection(StockKey("A"), error).kind == kind


def test_levels_come_in_the_order_they_were_asked_for() -> None:
    levels = [Level(key=StockKey(sku), quantity=1, as_of=T0) for sku in "BA"]
    assert [one.key.stock_id for one in found([StockKey("A"), StockKey("X"), StockKey("B")], levels)] == ["A", "B"]


async def test_only_the_last_page_moves_the_cursor() -> None:
    async def pages() -> AsyncIterator[Page[int]]:
        for number in (1, 2, 3):
            yield Page(items=(number,), as_of=T0 + timedelta(hours=number - 1))

    told = [(page.items, page.cursor) async for page in last_moves(pages(), "old", lambda first: f"new {first:%H}")]
    assert told == [((1,), "old"), ((2,), "old"), ((3,), "new 12")]


def test_what_is_read_by_id_must_be_understood() -> None:
    assert understood([1], [], "shop", "look") == [1]
    with pytest.raises(Refused, match="tee: no price"):
        understood([1], [Bad(id="tee", reason="no price")], "shop", "look")


def test_a_record_that_cannot_be_expressed_is_refused_by_its_name() -> None:
    assert expressed(lambda payload: payload["a"], {"a": 1}, "order 1", "shop", "look") == 1
    with pytest.raises(Refused, match="order 1: a is missing"):
        expressed(lambda payload: must(payload, "a"), {}, "order 1", "shop", "look")


@pytest.mark.parametrize("value", [None, "5", 5.0, True, 2**63, -(2**64)])
def test_a_count_is_a_whole_number_that_is_there(value: object) -> None:
    assert count({"n": 5}, "n") == 5
    with pytest.raises(Odd, match="n"):
        count({"n": value}, "n")


def test_epoch_seconds_are_read_from_the_first_field_that_is_there() -> None:
    assert epoch({"a": None, "b": 0}, "a", "b") == datetime(1970, 1, 1, tzinfo=UTC)
    for value in (10**12, 10**17, -(2**62)):
        with pytest.raises(Odd, match=f"b {value} is no time"):
            epoch({"b": value}, "a", "b")
    for odd in ({"a": "5"}, {}):
        with pytest.raises(Odd, match="a"):
            epoch(odd, "a", "b")


async def test_a_step_after_a_write_may_not_end_as_if_nothing_was_written() -> None:
    async def step(error: BridgeError | None) -> int:
        if error is not None:
            raise error
        return 1

    assert await after_a_write(step(None)) == 1
    with pytest.raises(Refused) as caught:
        await after_a_write(step(Refused("no")))
    assert caught.value.maybe_applied


async def test_a_call_about_what_is_no_more_has_another_answer() -> None:
    async def call(*, there: bool) -> int:
        if not there:
            raise Gone("no more")
        return 1

    assert (await if_there(call(there=True), None), await if_there(call(there=False), None)) == (1, None)


async def test_a_call_that_is_not_allowed_has_another_answer() -> None:
    async def call(error: NeedsPerson | None) -> int:
        if error is not None:
            raise error
        return 1

    assert await if_allowed(call(None), None, "403") == 1
    assert await if_allowed(call(NeedsPerson("no", code="403")), None, "402", "403") is None
    with pytest.raises(NeedsPerson, match="token"):
        await if_allowed(call(NeedsPerson("the token", code="401")), None, "403")


async def test_a_call_that_is_not_allowed_is_known_by_its_code() -> None:
    async def call(error: BridgeError | None) -> None:
        if error is not None:
            raise error

    assert await forbidden(call(NeedsPerson("no", code="403")), "403")
    assert not await forbidden(call(None), "403")
    assert not await forbidden(call(Gone("no more")), "403")
    with pytest.raises(NeedsPerson):
        await forbidden(call(NeedsPerson("the token", code="401")), "403")


@pytest.mark.parametrize("dropped", [0, 2, 30])
async def test_a_list_by_offset_misses_none_whatever_is_deleted_meanwhile(dropped: int) -> None:
    there = list(range(100))

    async def fetch(start: int) -> tuple[list[int], str, int | None]:
        page = there[start : start + 10]
        if start == 16 and len(there) == 100:
            del there[:dropped]
        return page, "more", len(there)

    found = [one async for page, _ in by_offset(fetch, str, 10, 2) for one in page]
    assert len(found) == len(set(found))
    assert set(range(30, 100)) <= set(found)


async def test_one_that_is_no_more_is_sought_by_halves() -> None:
    calls: list[int] = []

    async def fetch(ids: Sequence[str]) -> list[str]:
        calls.append(len(ids))
        if "x" in ids:
            raise Gone("one of them is no more")
        return list(ids)

    assert await by_halves(fetch, list("abcxdefg")) == list("abcdefg")
    assert calls == [8, 4, 2, 2, 1, 1, 4]


async def test_rows_that_go_one_by_one_fail_one_by_one() -> None:
    errors: dict[str, BridgeError] = {"B": Refused("no"), "C": TryLater("too much", code="429"), "D": Gone("no more")}

    async def write(change: StockChange) -> datetime:
        if change.key.stock_id in errors:
            raise errors[change.key.stock_id]
        return T0

    told = await one_by_one([change(sku) for sku in "ABCD"], write)
    assert [one.kind if isinstance(one, Rejected) else one for one in told] == [T0, "invalid", "retry", "gone"]
    with pytest.raises(TryLater):
        await one_by_one([change("C")], write)
    errors["C"] = TryLater("lost", maybe_applied=True)
    with pytest.raises(TryLater, match="lost"):
        await one_by_one([change(sku) for sku in "ABC"], write)
    errors["C"] = NeedsPerson("the token")
    with pytest.raises(NeedsPerson) as caught:
        await one_by_one([change(sku) for sku in "ABC"], write)
    assert caught.value.maybe_applied, "A was taken in"


def first_letter(change: StockChange) -> str:
    return change.key.stock_id[:1]


def test_rows_of_a_record_go_together_in_the_order_of_the_records() -> None:
    batches = together([change(name) for name in ("b1", "a1", "b2", "b3", "a2")], first_letter, 2)
    assert [[one.key.stock_id for one in batch] for batch in batches] == [["b1", "b2"], ["b3"], ["a1", "a2"]]
    assert together([], first_letter, 2) == []


async def test_a_record_that_is_refused_leaves_the_others_alone() -> None:
    errors: dict[str, BridgeError] = {"b": Refused("no"), "c": Gone("no more")}

    async def write(name: str, rows: Sequence[StockChange]) -> Sequence[Outcome]:
        if name in errors:
            raise errors[name]
        return [Applied(key=one.key, at=T0) for one in rows]

    rows = [change(name) for name in ("b1", "a1", "c1", "b2", "a2")]
    told = await record_by_record(rows, first_letter, write)
    assert [one.key for one in told] == [one.key for one in rows]
    assert [one.kind if isinstance(one, Rejected) else "" for one in told] == ["invalid", "", "gone", "invalid", ""]
    for names, unsure in ((("b1", "a1"), False), (("a1", "b1"), True)):
        errors["b"] = TryLater("not now")
        with pytest.raises(TryLater) as caught:
            await record_by_record([change(name) for name in names], first_letter, write)
        assert caught.value.maybe_applied is unsure, "a1 was written before"


async def test_a_feed_goes_on_a_little_before_its_reading_began() -> None:
    async def pages(since: str) -> AsyncIterator[Page[str]]:
        for _ in range(2):
            yield Page(items=(since,), as_of=T0 + timedelta(hours=1))

    feed = ChangedSince(pages, timedelta(minutes=2))
    start = feed.begin(T0)
    assert start == "2026-11-22T11:58:00.000Z"
    assert [(page.items[0], page.cursor) async for page in feed.since(start)] == [
        (start, start), (start, "2026-11-22T12:58:00.000Z"),
    ]  # fmt: skip


async def test_a_backlog_is_read_window_by_window() -> None:
    asked: list[tuple[float, float | None]] = []

    async def read(start: datetime, end: datetime | None) -> Page[str]:
        asked.append(((T0 - start) / timedelta(days=1), None if end is None else (T0 - end) / timedelta(days=1)))
        return Page(items=(), as_of=T0)

    day = timedelta(days=1)
    feed = ByWindow(read, now=lambda: T0, window=30 * day, overlap=timedelta(minutes=0), farthest=75 * day)
    cursors = [page.cursor async for page in feed.since(feed.begin(T0 - 100 * day))]
    assert asked == [(75, 45), (45, 15), (15, None)], "the platform reaches back no further"
    assert cursors == [feed.begin(T0 - 45 * day), feed.begin(T0 - 15 * day), feed.begin(T0)]


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def test_a_refund_without_a_key_is_made_once() -> None:
    writer = BuyersOnly("shop", "Bazaar", "do it by hand")
    read = order(total=eur(1000), refunded=eur(200), currency="EUR")
    assert writer.refund_due(read, read, eur(300))
    assert not writer.refund_due(read, replace(read, refunded=eur(500)), eur(300))
    for amount in (eur(900), Money(100, "USD")):
        with pytest.raises(Refused):
            writer.refund_due(read, read, amount)
    with pytest.raises(Refused, match="Bazaar's API cannot restock"):
        writer.refund_due(read, read, eur(300), restock=True)


def test_a_parcel_that_is_known_is_not_told_again() -> None:
    writer = BuyersOnly("shop", "Bazaar", "do it by hand")
    parcels = [Tracking(number=number, carrier="UPS") for number in ("A1", "A2", "A2", "")]
    assert writer.to_ship(order(tracking=(parcels[0],)), parcels) == [parcels[1]]
    with pytest.raises(Refused, match="cancelled"):
        writer.to_ship(order(status="cancelled"), parcels)


async def test_a_list_by_time_goes_on_from_the_last_second_and_by_offset_within_one() -> None:
    seconds = [1, 2, 2, 2, 2, 3, 4]
    asked: list[tuple[int, int]] = []

    async def fetch(least: int, offset: int) -> tuple[list[int], int, int]:
        asked.append((least, offset))
        page = [one for one in seconds if one >= least][offset : offset + 2]
        return page, len(page), max(page, default=0)

    pages = [page async for page in by_time(fetch, 0, 2)]
    assert asked == [(0, 0), (1, 0), (1, 2), (1, 4), (2, 0), (2, 2), (2, 4), (3, 0), (3, 2)]
    assert {second for page, _, _ in pages for second in page} == set(seconds)
    assert [last for _, _, last in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) < 20


def test_an_option_has_the_name_of_the_aspect_that_the_map_gives_it() -> None:
    own = replace(TEE.variants[0], options=(("size", "M"), ("colour", "red")))
    place = Category(tag="", id="1", options={"Size": "SIZE", "Fit": "cut"})
    assert named_options(own, place) == {"Size": "M", "colour": "red"}


def test_what_no_marketplace_takes_is_said_beforehand() -> None:
    good = replace(TEE, variants=(replace(TEE.variants[0], price=Money(100, "EUR")),))
    assert lacking(good, title=20, sku=10, currency="EUR") == []
    for wrong, text in (
        (replace(good, variants=()), "no variants"), (replace(good, title=""), "title"), (replace(good, title="x" * 21), "title"),
        (replace(good, variants=(*good.variants, good.variants[0])), "same"), (TEE, "price"),
        (replace(good, variants=(replace(good.variants[0], sku="x" * 11),)), "sku"),
        (replace(good, variants=(replace(good.variants[0], price=Money(100, "USD")),)), "EUR"),
        (replace(good, variants=(*good.variants, replace(good.variants[0], sku="X", options=(("Size", "S"),)))), "options"),
    ):  # fmt: skip
        assert [one for one in lacking(wrong, title=20, sku=10, currency="EUR") if text in one], text


def test_an_edit_is_checked_before_anything_is_sent() -> None:
    cannot = {"description": "it has none"}
    check(edit(Money(100, "EUR"), title="A new tee"), cannot, title=20, currency="EUR")
    for wrong, text in (
        (edit(description="x"), "it has none"), (edit(title=" "), "needs a title"), (edit(title="x" * 21), "20 are the most"),
        (edit(Money(0, "EUR")), "positive"), (edit(Money(100, "USD")), "of EUR"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=text):
            check(wrong, cannot, title=20, currency="EUR")


async def test_a_refused_edit_is_a_matter_of_its_own() -> None:
    async def refuse(_: ProductEdit) -> Product:
        raise Refused("no")

    async def fail(_: ProductEdit) -> Product:
        raise TryLater("later")

    async def write(one: ProductEdit) -> Product:
        return one.current

    assert (await outcome_of(edit(), refuse)).reason == "no"
    assert (await outcome_of(edit(), write)).product == TEE
    with pytest.raises(TryLater):
        await outcome_of(edit(), fail)


async def test_edits_are_carried_out_one_after_another() -> None:
    class Products(OneByOne):
        async def edited(self, edit: ProductEdit) -> Product:
            if edit.title == "bad":
                raise Refused("no")
            return edit.current

    results = await Products().edit([edit(title="bad"), edit(title="good")], "k")
    assert [(one.product, one.reason) for one in results] == [(None, "no"), (TEE, "")]


def test_an_edit_is_shown_as_it_will_be() -> None:
    done = applied(edit(Money(100, "EUR"), title="A new tee"))
    assert (done.title, done.variants[0].price, done.variants[0].sku) == ("A new tee", Money(100, "EUR"), "TEE-S")
    assert applied(edit()) == TEE


def test_the_map_says_where_a_product_belongs() -> None:
    shirts = Category(tag="", id="SHIRT")
    assert place_of(TEE, ListingMap(categories=(shirts,))) == shirts
    with pytest.raises(Refused, match="no category"):
        place_of(TEE, ListingMap(), "shop")


def test_one_product_is_one_listing() -> None:
    assert only([TEE], "tee", "shop") == TEE
    with pytest.raises(Gone):
        only([], "tee", "shop")
    assert single(["l1", "l1"], TEE, "shop") == "l1"
    assert single([], TEE, "shop") == ""
    with pytest.raises(Refused, match="l1, l2"):
        single(["l1", "l2"], TEE, "shop")


async def test_where_only_buyers_make_orders_the_rest_is_refused_with_a_way_out() -> None:
    writer = BuyersOnly("shop", "Bazaar", "do it by hand")
    with pytest.raises(Refused, match="only buyers make orders at Bazaar"):
        await writer.find("r-1")
    with pytest.raises(Refused) as caught:
        writer.refuse("cancel order 1")
    assert (caught.value.where, caught.value.next_step) == ("shop", "do it by hand")


def test_carriers_are_known_by_their_letters() -> None:
    carriers = Carriers({"PO": ["Post Office", "Postal Service"], "UPS": []}, other="Other")
    assert [carriers.code(name) for name in ("post-office", "POSTAL SERVICE", "po", "ups®", "Bob", "")] == [
        "PO", "PO", "PO", "UPS", "Other", "Other",
    ]  # fmt: skip
    assert (carriers.name("PO"), carriers.name("UPS"), carriers.name("Bob")) == ("Post Office", "UPS", "Bob")


def test_events_are_read_without_belief() -> None:
    event = {"data": {"order": {"id": "17-a"}, "list": [1]}, "long": "x" * 256, "number": 5}
    assert word(inner(event, "data", "order"), "id") == "17-a"
    assert inner(event, "data", "list", "x") == inner(event, "nothing") == {}
    assert word(event, "long") == word(event, "number") == word(event, "nothing") == ""
    assert maybe_instant("2026-01-05T00:00:00Z") is not None
    assert maybe_instant("never") is maybe_instant(None) is None


def test_an_event_that_names_nothing_usable_is_about_the_whole_channel() -> None:
    assert about("order", "17-a", "t", T0).id == "17-a"
    assert about("order", "../17", "t", T0).kind == about("order", "", "t", T0).kind == "channel"
    assert about("product", "a b/c", "t", T0, plain=False).id == "a b/c"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("5 < 6, a > b\n\n\n\n& so on", "5 < 6, a > b\n\n\n\n& so on"),
        ("<p>Warm &amp; soft</p><ul><li>wool</li></ul>", "Warm & soft\nwool"),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("<div><p>a</p></div><p></p><p>b</p>", "a\n\nb"),
        ("", ""),
    ],
)
def test_a_description_is_shown_without_its_markup(written: str, shown: str) -> None:
    assert plain(written) == shown


def test_a_clock_that_is_off_is_said() -> None:
    assert clock_notes(timedelta(seconds=-120), "Bazaar") == []
    (note,) = clock_notes(timedelta(seconds=-121), "Bazaar")
    assert "-121 s off Bazaar's" in note
    assert clock_notes(timedelta(seconds=-121), "Bazaar", timedelta(minutes=5)) == []
