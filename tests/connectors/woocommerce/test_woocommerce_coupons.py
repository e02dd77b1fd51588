"""Codes: every recorded coupon is understood, and the rows that are sent say what the shop needs to hear."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.loyalty import (
    CouponsPort,
    CouponState,
    CouponWrite,
)
from bridge.contract.ports import Connector
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from connectors.woocommerce.coupon_mapping import MARK, coupon_body, coupon_state, objections

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

pytestmark = pytest.mark.anyio
Recorded = Callable[[str, str, str], dict[str, Any]]
Recordings = Callable[..., Iterator[tuple[str, dict[str, Any]]]]
FIFTEEN = CouponTerms(kind="percent", percent=1500)
FIVE = CouponTerms(kind="fixed", amount=Money(500, "USD"))
ENDS = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def coupons(woo: Connector) -> CouponsPort:
    assert woo.coupons is not None
    return woo.coupons


def rows_of(payload: Any) -> Iterator[dict[str, Any]]:
    rows = payload if isinstance(payload, list) else [payload]
    for row in rows:
        if isinstance(row, dict) and "create" in row:
            yield from (one for group in row.values() for one in group if "error" not in one)
        elif isinstance(row, dict) and "id" in row:
            yield row


def written(write: CouponWrite, row: dict[str, Any] | None = None) -> CouponState:
    """What is read of a coupon that was written: the shop's answer to our row."""
    return coupon_state(answer_to(coupon_body(write, "USD"), row), "USD")


def answer_to(body: dict[str, Any], row: dict[str, Any] | None = None) -> dict[str, Any]:
    ends = body["date_expires"].removesuffix("Z")
    shown = {
        "id": 7,
        "status": "publish",
        "usage_count": 0,
        "date_expires_gmt": ends or None,
        "date_modified_gmt": "2026-11-22T16:08:06",
    }
    kept = {name: value or None if name.startswith("usage_limit") else value for name, value in body.items()}
    return {**kept, **shown, **(row or {})}


# Recordings --------------------------------------------------------------------------------------------------------------


def test_every_recorded_coupon_is_understood(version: str, recordings: Recordings) -> None:
    seen = 0
    for name, call in recordings(version, "coupons"):
        for row in rows_of(call["json"]):
            if "amount" not in row:
                continue
            got = coupon_state(row, "USD")
            assert (got.id, got.code, got.used) == (str(row["id"]), row["code"], row["usage_count"]), name
            assert got.limit == row["usage_limit"]
            assert got.active == (row["status"] == "publish")
            assert bool(got.terms) != bool(got.foreign), name
            seen += 1
    assert seen == 14


def test_a_recorded_coupon_as_terms(version: str, recorded: Recorded) -> None:
    once, five, ten = (coupon_state(row, "USD") for row in recorded(version, "coupons", "158_")["json"])
    assert once.terms == CouponTerms(kind="fixed", amount=Money(800, "USD"), stacks=False)
    assert (once.limit, once.used) == (1, 1)
    assert five.terms == replace(FIVE, minimum=Money(2000, "USD"), per_customer=2, stacks=True)
    assert ten.terms == CouponTerms(kind="percent", percent=1000, stacks=True)
    restricted = coupon_state(recorded(version, "coupons", "160_")["json"], "USD")
    assert restricted.terms is not None
    assert restricted.terms.emails == ("ada@example.test",)


def test_the_end_of_a_recorded_coupon_is_the_second_after_its_last(version: str, recorded: Recorded) -> None:
    got = coupon_state(recorded(version, "coupons", "168_")["json"], "USD")
    assert got.terms is not None
    assert got.terms.ends_at == datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)


# Codes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "terms",
    [
        FIFTEEN,
        replace(FIFTEEN, percent=1250, stacks=True),
        FIVE,
        replace(FIVE, minimum=Money(2000, "USD"), per_customer=2, emails=("ada@example.test",)),
        CouponTerms(kind="free_shipping"),
        replace(FIFTEEN, ends_at=ENDS),
        replace(FIFTEEN, skus=("TEE",), tags=("summer",), excluded=("CAP",)),
    ],
)
@pytest.mark.parametrize(("limit", "active"), [(None, True), (3, True), (0, True), (3, False), (None, False)])
def test_what_is_written_is_what_is_read(terms: CouponTerms, limit: int | None, active: bool) -> None:
    goods: dict[str, Any] = {"only": (("7", "9"), ("8", "8")), "excluded": (("5", ""),)} if terms.skus else {}
    write = CouponWrite(code="AUTUMN", terms=terms, limit=limit, active=active, **goods)
    state = written(write)
    assert (state.code, state.terms, state.limit, state.active, state.foreign) == ("AUTUMN", terms, limit, active, "")


def test_a_code_that_takes_nobody_stays_in_the_lists_with_its_end_long_over() -> None:
    """A draft would be in none, and its code could be made a second time (recorded, coupons 169 and 170)."""
    for write in (CouponWrite(code="A", terms=FIFTEEN, limit=0), CouponWrite(code="A", terms=FIFTEEN, active=False)):
        body = coupon_body(write, "USD")
        assert body["date_expires"] == "2000-01-01T00:00:00Z"
        assert "status" not in body
    assert coupon_body(CouponWrite(code="A", terms=FIFTEEN, limit=0), "USD")["usage_limit"] == 1, "0 is no limit there"


@pytest.mark.parametrize(
    ("ends_at", "last"),
    [(ENDS, "2027-01-30T23:59:59Z"), (ENDS.astimezone(datetime.now().astimezone().tzinfo), "2027-01-30T23:59:59Z"),
     (ENDS + timedelta(milliseconds=500), "2027-01-31T00:00:00Z")],
)  # fmt: skip
def test_the_last_second_is_written(ends_at: datetime, last: str) -> None:
    assert coupon_body(CouponWrite(code="A", terms=replace(FIFTEEN, ends_at=ends_at)), "USD")["date_expires"] == last


def test_an_end_that_a_person_changed_is_believed() -> None:
    off = CouponWrite(code="A", terms=replace(FIFTEEN, ends_at=ENDS), active=False)
    state = written(off, {"date_expires_gmt": "2027-06-30T00:00:00"})
    assert state.active
    assert state.terms == replace(FIFTEEN, ends_at=datetime(2027, 6, 30, 0, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        (replace(FIFTEEN, starts_at=ENDS), "beginning"),
        (replace(FIFTEEN, first_order=True), "first order"),
        (replace(FIFTEEN, percent=10001), "100.01 %"),
        (replace(FIVE, amount=None), "amount"),
        (replace(FIVE, skus=("TEE",)), "limited to goods"),
        (replace(FIVE, excluded=("TEE",)), "limited to goods"),
        (CouponTerms(kind="free_shipping", tags=("x",)), "limited to goods"),
        (replace(FIFTEEN, per_customer=0), "customer"),
        (replace(FIFTEEN, emails=("*@example.test",)), "many addresses"),
    ],
)
def test_what_cannot_be_said_there(terms: CouponTerms, word: str) -> None:
    (text,) = objections(terms)
    assert word in text
    with pytest.raises(Refused, match=word):
        coupon_body(CouponWrite(code="A", terms=terms), "USD")


@pytest.mark.parametrize(
    ("write", "word"),
    [
        (CouponWrite(code="A", terms=replace(FIVE, amount=Money(500, "EUR"))), "currency"),
        (CouponWrite(code="A", terms=replace(FIFTEEN, minimum=Money(500, "EUR"))), "currency"),
        (CouponWrite(code="A", terms=replace(FIFTEEN, skus=("TEE",))), "all goods"),
        (CouponWrite(code="A", terms=replace(FIFTEEN, tags=("summer",))), "all goods"),
        (CouponWrite(code="A", terms=replace(FIFTEEN, skus=("TEE",)), only=(("gid", ""),)), "no product"),
        (CouponWrite(code="A", terms=FIFTEEN, limit=-1), "-1 uses"),
    ],
)
def test_what_must_not_be_written(write: CouponWrite, word: str) -> None:
    with pytest.raises(Refused, match=word):
        coupon_body(write, "USD")


@pytest.mark.parametrize(
    "row",
    [
        {"discount_type": "fixed_product"},
        {"discount_type": "sign_up_fee"},
        {"free_shipping": True},
        {"amount": "0.00"},
        {"amount": "12.345"},
        {"maximum_amount": "50.00"},
        {"product_categories": [15]},
        {"excluded_product_categories": [15]},
        {"exclude_sale_items": True},
        {"limit_usage_to_x_items": 2},
        {"product_ids": [7]},
        {"excluded_product_ids": [7]},
        {"email_restrictions": ["*@example.test"]},
        {"minimum_amount": "much"},
    ],
    ids=str,
)
def test_what_our_terms_cannot_say_is_foreign(row: dict[str, Any]) -> None:
    state = written(CouponWrite(code="A", terms=FIFTEEN), row)
    assert (state.terms, bool(state.foreign), state.id) == (None, True, "7")


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"only": ["x"]}', 5, {"skus": ["TEE"]}])
def test_a_broken_mark_is_none(mark: Any) -> None:
    state = written(CouponWrite(code="A", terms=FIFTEEN), {"meta_data": [{"key": MARK, "value": mark}]})
    assert state.terms == FIFTEEN


async def test_new_and_changed_codes_go_in_one_call(shop: "Shop", coupons: CouponsPort) -> None:
    def answer(request: Any) -> Any:
        sent = json.loads(request.content)
        return shop.json(
            {name: [answer_to(row, {"id": row.get("id", 90)}) for row in rows] for name, rows in sent.items()}
        )

    shop.on("POST", "coupons/batch", answer)
    writes = [
        CouponWrite(code="NEW", terms=FIFTEEN, group="Autumn"),
        CouponWrite(code="BAD", terms=replace(FIFTEEN, first_order=True)),
        CouponWrite(code="OLD", terms=FIVE, id="17", limit=4),
        CouponWrite(code="WHO", terms=FIVE, id="gid"),
    ]
    assert [(one.code, one.kind, one.id) for one in await coupons.write(writes, "k")] == [
        ("NEW", "done", "90"), ("BAD", "refused", ""), ("OLD", "done", "17"), ("WHO", "gone", "gid"),
    ]  # fmt: skip
    assert len(shop.calls) == 1
    assert [row["description"] for row in shop.sent()["create"]] == ["Autumn"]
    assert "description" not in shop.sent()["update"][0], "what a person wrote there stays"


async def test_the_recorded_faults_of_a_batch(
    shop: "Shop", coupons: CouponsPort, version: str, recorded: Recorded
) -> None:
    taken, gone = recorded(version, "coupons", "161_")["json"], recorded(version, "coupons", "173_")["json"]
    other = {"code": "coupon_invalid_amount", "message": "Invalid discount amount.", "data": {"status": 400}}
    rows = [{"id": 0, "error": taken}, {"id": 0, "error": other}]
    shop.on("POST", "coupons/batch", {"create": rows, "update": [{"id": 7, "error": gone}]})
    writes = [CouponWrite(code=code, terms=FIFTEEN, id=one) for code, one in (("A", ""), ("B", "7"), ("C", ""))]
    assert [one.kind for one in await coupons.write(writes, "k")] == ["taken", "gone", "refused"]


@pytest.mark.parametrize("change", [{"usage_limit": None}, {"date_expires_gmt": "2027-01-31T05:00:00"}])
async def test_an_answer_that_loosens_a_code_is_not_done(
    shop: "Shop", coupons: CouponsPort, change: dict[str, Any]
) -> None:
    write = CouponWrite(code="A", terms=replace(FIFTEEN, ends_at=ENDS), limit=3)
    shop.on("POST", "coupons/batch", {"create": [answer_to(coupon_body(write, "USD"), change)]})
    (result,) = await coupons.write([write], "k")
    assert (result.kind, result.id) == ("refused", "7")
    assert next(iter(change)).removesuffix("_gmt") in result.reason


@pytest.mark.parametrize("status", ["trash", "draft", "private"])
async def test_a_coupon_that_somebody_took_out_of_use_is_gone(shop: "Shop", coupons: CouponsPort, status: str) -> None:
    write = CouponWrite(code="A", terms=FIFTEEN, id="7")
    shop.on("POST", "coupons/batch", {"update": [answer_to(coupon_body(write, "USD"), {"status": status})]})
    (result,) = await coupons.write([write], "k")
    assert (result.kind, status in result.reason) == ("gone", True)
    assert "status" not in shop.sent()["update"][0]


@pytest.mark.parametrize("payload", [{}, {"create": []}, {"create": None}, []])
async def test_an_answer_without_its_rows_may_have_written_them(
    shop: "Shop", coupons: CouponsPort, payload: Any
) -> None:
    shop.on("POST", "coupons/batch", payload)
    with pytest.raises(TryLater) as caught:
        await coupons.write([CouponWrite(code="A", terms=FIFTEEN)], "k")
    assert caught.value.maybe_applied


@pytest.mark.parametrize(("pages", "calls"), [("2", 2), ("40", 11)])
async def test_many_codes_are_looked_up_in_the_list_where_that_takes_fewer_calls(
    shop: "Shop", coupons: CouponsPort, pages: str, calls: int
) -> None:
    codes = [f"CODE{number}" for number in range(10)]
    rows = [
        answer_to(coupon_body(CouponWrite(code=code.lower(), terms=FIFTEEN), "USD"), {"id": 50 + n})
        for n, code in enumerate(codes)
    ]

    def listed(request: Any) -> Any:
        code = request.url.params.get("code")
        found = [row for row in rows if code in (None, row["code"].upper())]
        return shop.json(
            found if code or request.url.params["page"] == "1" else [], x_wp_totalpages="1" if code else pages
        )

    shop.on("GET", "coupons", listed)
    assert [one.code.upper() for one in await coupons.find(codes)] == codes
    asked = [call for call in shop.calls if call.url.path.endswith("/coupons")]
    assert len(asked) == calls


async def test_of_two_coupons_of_one_code_the_newest_published_is_found(shop: "Shop", coupons: CouponsPort) -> None:
    body = coupon_body(CouponWrite(code="AUTUMN", terms=FIFTEEN), "USD")
    rows = [
        answer_to(body, {"id": one, "status": status})
        for one, status in ((9, "private"), (5, "publish"), (4, "publish"))
    ]
    shop.on("GET", "coupons", rows)
    assert [one.id for one in await coupons.find(["autumn", " AUTUMN", ""])] == ["5"]
    assert await coupons.find([]) == ()


async def test_the_trash_is_no_code(shop: "Shop", coupons: CouponsPort) -> None:
    body = coupon_body(CouponWrite(code="AUTUMN", terms=FIFTEEN), "USD")
    shop.on("GET", "coupons", [answer_to(body, {"status": "trash"}), {"id": 8}, answer_to(body, {"id": 9})])
    (page,) = [page async for page in coupons.all()]
    assert ([one.id for one in page.items], [one.id for one in page.bad]) == (["9"], ["8"])


@pytest.mark.parametrize("rows", [0, 101])
async def test_a_batch_of_codes_has_a_size(coupons: CouponsPort, rows: int) -> None:
    with pytest.raises(Refused, match="1 to 100"):
        await coupons.write([CouponWrite(code="A", terms=FIFTEEN)] * rows, "k")
