"""Accepted writes are judged by what is to be seen afterwards, and given up after a while."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.errors import Gone
from bridge.contract.feed import Page
from bridge.contract.ports import ProductEdit
from bridge.contract.stock import Accepted, Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.wire.read_back import EditsReadBack, NumbersReadBack, Patience, accepted, edit_ticket
from tests.unit.make import T0

pytestmark = pytest.mark.anyio
PATIENCE = Patience(usual=timedelta(minutes=2), most=timedelta(minutes=30))
SOON, LATE, TOO_LATE = timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=31)
TEE = Product(id="tee", title="A tee", variants=(Variant(id="tee", sku="TEE"),), updated_at=T0)


def write(*changes: tuple[int, int]) -> Prepared:
    """A write of SKUs A, B, ... that moves each from the first number by the second."""
    rows = [
        StockChange(key=StockKey(sku), shown=shown, delta=delta)
        for sku, (shown, delta) in zip("ABC", changes, strict=False)
    ]
    return Prepared(key="k", body="", changes=tuple(rows))


def taken(prepared: Prepared, *rows: bool) -> str:
    """Return the ticket of a write of which these rows were taken in."""
    no = [Rejected(key=change.key, kind="invalid", reason="no") for change in prepared.changes]
    outcomes = accepted(prepared.changes, [T0 if one else no[place] for place, one in enumerate(rows)])
    assert [isinstance(one, Accepted) for one in outcomes] == list(rows)
    (ticket,) = {one.ticket for one in outcomes if isinstance(one, Accepted)}
    return ticket


async def look(
    prepared: Prepared, numbers: dict[str, int | None], *, age: timedelta, ticket: str = ""
) -> Sequence[Applied | Rejected] | None:
    async def read(keys: Sequence[StockKey]) -> Page[Level]:
        there = [key for key in keys if key.stock_id in numbers]
        levels = [Level(key=key, quantity=numbers[key.stock_id], as_of=T0 + age) for key in there]
        return Page(items=tuple(levels), as_of=T0 + age)

    ticket = ticket or taken(prepared, *(True for _ in prepared.changes))
    assert NumbersReadBack.knows(ticket)
    return await NumbersReadBack(read, PATIENCE, "shop").look(ticket, prepared)


@pytest.mark.parametrize(
    ("change", "now", "age", "told"),
    [
        ((10, -3), 7, SOON, 7), ((10, -3), 10, SOON, None), ((10, -3), 5, SOON, None), ((10, -3), 8, SOON, None),
        # Below what was sent: ours, sold from; but the number may as well be the old one, sold from.
        ((10, -3), 5, LATE, "unsaid"), ((3, 7), 8, SOON, 8), ((3, 7), 3, SOON, None), ((3, 7), 2, LATE, None),
    ],
)  # fmt: skip
async def test_a_row_is_done_when_its_number_is_to_be_seen(
    change: tuple[int, int], now: int, age: timedelta, told: int | str | None
) -> None:
    found = await look(write(change), {"A": now}, age=age)
    if told is None:
        assert found is None
        return
    (row,) = found or ()
    assert isinstance(row, Applied)
    assert row.quantity == (None if told == "unsaid" else told)


async def test_rows_that_were_not_accepted_or_are_gone_are_told_with_the_others() -> None:
    three = write((10, -1), (10, -1), (10, -1))
    found = await look(three, {"A": 9}, age=SOON, ticket=taken(three, True, False, True))
    assert [one.kind if isinstance(one, Rejected) else "applied" for one in found or ()] == [
        "applied",
        "invalid",
        "gone",
    ]
    found = await look(write((10, -1)), {"A": None}, age=SOON)
    assert [isinstance(one, Rejected) for one in found or ()] == [True]


@pytest.mark.parametrize("ticket", ["read never y", "read 2026-11-22T12:00:00+00:00 yy", "read "])
async def test_a_ticket_of_others_is_gone(ticket: str) -> None:
    with pytest.raises(Gone, match="none of ours"):
        await look(write((10, -1)), {"A": 9}, age=SOON, ticket=ticket)


async def test_what_is_never_seen_is_given_up() -> None:
    assert await look(write((10, -1)), {"A": 10}, age=LATE) is None
    with pytest.raises(Gone, match="not to be seen"):
        await look(write((10, -1)), {"A": 10}, age=TOO_LATE)


@pytest.mark.parametrize(
    ("shown", "age", "done"),
    [
        ("A new tee", SOON, True), ("A tee", SOON, False), ("A NEW TEE", SOON, False),
        # Another value than before, after a while: the platform's own form of the new one.
        ("A NEW TEE", LATE, True), ("A tee", LATE, False),
    ],
)  # fmt: skip
async def test_an_edit_is_done_when_the_listing_shows_it(shown: str, age: timedelta, *, done: bool) -> None:
    edit = ProductEdit(current=TEE, fields=frozenset({"title"}), title="A new tee")

    async def read(ids: Sequence[str]) -> Sequence[Product]:
        return [replace(TEE, title=shown) for one in ids if one == "tee"]

    port = EditsReadBack(read, PATIENCE, now=lambda: T0 + age, where="shop")
    found = await port.look(edit_ticket(T0, edit), [edit])
    assert (found is not None) == done


async def test_a_listing_that_is_no_more_is_told_and_an_edit_that_never_shows_is_given_up() -> None:
    edit = ProductEdit(current=TEE, fields=frozenset({"title"}), title="A new tee")
    there = [TEE]

    async def read(ids: Sequence[str]) -> Sequence[Product]:
        return [one for one in there if one.id in ids]

    port = EditsReadBack(read, PATIENCE, now=lambda: T0 + TOO_LATE, where="shop")
    with pytest.raises(Gone, match="title was accepted"):
        await port.look(edit_ticket(T0, edit), [edit])
    for ticket in ("edit never title=1", "read 1 2", "edit 2026-11-22T12:00:00+00:00 title"):
        with pytest.raises(Gone, match="none of ours"):
            await port.look(ticket, [edit])
    there.clear()
    (found,) = await port.look(edit_ticket(T0, edit), [edit]) or ()
    assert "no more" in found.reason
