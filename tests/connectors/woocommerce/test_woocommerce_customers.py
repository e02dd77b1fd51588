"""Customers and points: every recorded account is understood, and balances are believed where the answer shows them."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.loyalty import CustomersPort, PointsPort, PointsWrite
from bridge.contract.ports import Connector
from connectors.woocommerce.customers import customer
from connectors.woocommerce.mapping import Unreadable

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

pytestmark = pytest.mark.anyio
Recorded = Callable[[str, str, str], dict[str, Any]]
Recordings = Callable[..., Iterator[tuple[str, dict[str, Any]]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def points(woo: Connector) -> PointsPort:
    assert woo.points is not None
    return woo.points


@pytest.fixture
def customers(woo: Connector) -> CustomersPort:
    assert woo.customers is not None
    return woo.customers


def rows_of(payload: Any) -> Iterator[dict[str, Any]]:
    rows = payload if isinstance(payload, list) else [payload]
    for row in rows:
        if isinstance(row, dict) and "create" in row:
            yield from (one for group in row.values() for one in group if "error" not in one)
        elif isinstance(row, dict) and "id" in row:
            yield row


def test_every_recorded_account_is_understood(version: str, recordings: Recordings) -> None:
    seen = 0
    for _, call in recordings(version, "customers"):
        for row in rows_of(call["json"]):
            if "billing" not in row:
                continue
            got = customer(row)
            named = " ".join(filter(None, (row["first_name"], row["last_name"])))
            assert (got.id, got.email, got.name) == (str(row["id"]), row["email"], named)
            assert (got.email_verified, got.phone_verified, got.consent) == (True, False, None)
            assert got.phone == row["billing"]["phone"]
            shown = [one["value"] for one in row["meta_data"] if one["key"] == "loyalty_points"]
            assert got.points == (int(shown[0]) if shown else None)
            assert "@" not in repr(got)
            seen += 1
    assert seen == 18


# Accounts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+1 (555) 010-0100", "+15550100100"), ("0049 30 901820", "+4930901820"), ("5550100", "5550100"),
        (" 030/901820 ", "030/901820"), ("+", "+"), ("", ""),
    ],
)  # fmt: skip
def test_a_number_that_says_its_country_is_written_as_e164(text: str, phone: str) -> None:
    assert customer({"id": 7, "billing": {"phone": text}}).phone == phone


@pytest.mark.parametrize(
    ("value", "points"), [("270", 270), (270, 270), ("", None), ("many", None), ("2.5", None), (None, None)]
)
def test_points_that_are_no_number_are_none(value: Any, points: int | None) -> None:
    assert customer({"id": 7, "meta_data": [{"key": "loyalty_points", "value": value}]}).points == points


def test_an_account_without_an_id_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="id is missing"):
        customer({"email": "ada@example.test"})


async def test_an_address_is_sifted_and_asked_for_in_every_role(shop: "Shop", customers: CustomersPort) -> None:
    rows = [{"id": 2, "email": "Ada@Example.test"}, {"id": 3, "email": "ada@example.test.evil"}]
    shop.on("GET", "customers", rows)
    assert [one.id for one in await customers.find(email="ada@example.TEST")] == ["2"]
    assert (shop.asked()["email"], shop.asked()["role"]) == ("ada@example.TEST", "all")


async def test_a_phone_number_is_found_by_reading_everybody(shop: "Shop", customers: CustomersPort) -> None:
    shop.on(
        "GET",
        "customers",
        [{"id": 2, "billing": {"phone": "+1 555 010 0100"}}, {"id": 3, "billing": {"phone": "+15550100"}}],
    )
    assert [one.id for one in await customers.find(phone="+15550100100")] == ["2"]
    assert await customers.find() == []


async def test_a_list_from_which_somebody_was_deleted_is_read_again(shop: "Shop", customers: CustomersPort) -> None:
    totals = iter((("2", "2"), ("1", "1"), ("1", "1")))

    def page(request: Any) -> Any:
        total, pages = next(totals)
        return shop.json([{"id": int(request.url.params["page"])}], x_wp_total=total, x_wp_totalpages=pages)

    shop.on("GET", "customers", page)
    assert [one.id async for found in customers.all() for one in found.items] == ["1", "2", "1"]


# Points ------------------------------------------------------------------------------------------------------------------


def balance(customer: str, points: int) -> PointsWrite:
    return PointsWrite(customer=customer, balance=points, shown=None, key=f"k-{customer}")


async def test_balances_are_written_whole_and_read_off_the_answer(shop: "Shop", points: PointsPort) -> None:
    kept = {"id": 4, "meta_data": [{"id": 1, "key": "loyalty_points", "value": "7"}]}
    wrong = {"id": 5, "meta_data": [{"id": 1, "key": "loyalty_points", "value": "9"}]}
    gone = [
        {"id": one, "error": {"code": code, "message": "Invalid."}}
        for one, code in ((6, "wc_user_invalid_id"), (8, "nope"))
    ]
    shop.on("POST", "customers/batch", {"update": [kept, wrong, *gone]})
    writes = [balance("4", 7), balance("guest", 1), balance("5", 8), balance("6", 0), balance("9", -1), balance("8", 1)]
    found = await points.show(writes)
    assert [(one.customer, one.kind, one.balance) for one in found] == [
        ("4", "done", 7), ("guest", "gone", None), ("5", "refused", 9), ("6", "gone", None), ("9", "refused", None), ("8", "refused", None),
    ]  # fmt: skip
    assert shop.sent() == {
        "update": [
            {"id": one, "meta_data": [{"key": "loyalty_points", "value": text}]}
            for one, text in ((4, "7"), (5, "8"), (6, "0"), (8, "1"))
        ]
    }


async def test_an_answer_that_leaves_rows_out_may_have_written_them(shop: "Shop", points: PointsPort) -> None:
    shop.on("POST", "customers/batch", {"update": []})
    with pytest.raises(TryLater) as caught:
        await points.show([balance("4", 7)])
    assert caught.value.maybe_applied


async def test_a_batch_of_balances_has_a_size(points: PointsPort) -> None:
    with pytest.raises(Refused, match="up to 100"):
        await points.show([balance("4", 7)] * 101)
