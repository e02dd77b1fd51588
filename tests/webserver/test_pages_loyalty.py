"""The pages of customers and codes: what a clerk finds, does, and never sees."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import segno

from bridge.app import loyal_acting as acting
from bridge.app import picture
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.engine.context import Context
from bridge.store import points as store
from bridge.store.coupons import Campaign
from bridge.webserver.pages.qr import qr
from bridge.webserver.pages.terms import told
from tests.webserver.household import TOKENS, House, adopted
from tests.webserver.loyal_house import ADA, CODE, TERMS, at_work, balance, code, free, left, member
from tests.webserver.visitor import Visitor, enter
from tests.webserver.wellformed import Read, read

MAIL, PHONE = "ada@example.com", "+4930901820"
MINE = f"/customer?person={ADA}"
PAGE = f"/code?code={CODE}"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose daemon is at work; Ada has points, and there is a code for one use."""
    house = adopted(tmp_path)
    context = at_work(house)
    member(context, 1200, accounts=[("shop", "17"), ("till", "C/4 &")])
    code(context)
    yield house
    house.close()


@pytest.fixture
def clerk(house: House) -> Visitor:
    """Somebody who has logged in."""
    return enter(house)


def context(house: House) -> Context:
    assert house.app.live is not None
    return house.app.live


def hidden(visitor: Visitor, path: str) -> dict[str, str]:
    """The fields that a page's forms carry along."""
    html = visitor.get(path).text
    return {name: re.findall(f'name="{name}" value="([^"]+)"', html)[0] for name in ("form", "once")}


def sent(visitor: Visitor, act: str, page: str = PAGE, **fields: str) -> str:
    """Send one of a page's forms and return what the page then says."""
    answer = visitor.post(f"/code/{act}", hidden(visitor, page) | fields)
    assert answer.status_code == 303, read(answer.text).text
    return visitor.page(answer.headers["location"]).text


def claimed(visitor: Visitor) -> str:
    """Claim the code at the till; return the claim's id."""
    assert "Key in at till: 5.00 USD off." in sent(visitor, "claim", code=CODE, channel="till")
    return str(re.findall(r'name="claim" value="([^"]+)"', visitor.get(PAGE).text)[0])


def test_a_customer_is_found_by_what_they_say_and_no_address_keeps_it(house: House, clerk: Visitor) -> None:
    assert "/customers" in clerk.page("/").links
    for who in (MAIL, MAIL.upper(), "030 901820", "+49 30 901820", "shop:17"):
        answer = clerk.post("/customers", {"form": clerk.token("/customers"), "who": who})
        assert (answer.status_code, answer.headers["location"]) == (303, MINE), who
    assert house.poked == 0


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        ("eve@example.com", 404, "nobody is known"),
        ("+49 30 901821", 404, "nobody is known"),
        ("shop:18", 404, "nobody is known"),
        ("eve@", 422, "no e-mail address"),
        ("seventeen", 422, "no phone number"),
        ("", 422, "no phone number"),
        (":17", 422, "no account"),
        ("\x00'; drop table persons; --", 422, "no phone number"),
    ],
)
def test_a_customer_who_is_not_found_is_named_nowhere(clerk: Visitor, who: str, status: int, said: str) -> None:
    answer = clerk.post("/customers", {"form": clerk.token("/customers"), "who": who})
    assert answer.status_code == status
    page = read(answer.text)
    assert not page.problems
    assert said in page.text
    assert len(who) < 4 or who not in answer.text


def test_a_customers_page_tells_every_lot_and_movement_and_masks_the_person(house: House, clerk: Visitor) -> None:
    live = context(house)
    house.app.database.write(lambda connection: acting.adjust(connection, live, ADA, -200, "a mistake", "Bob"))
    made = house.app.database.write(lambda connection: acting.redeem(connection, live, ADA, 300, []))
    page = clerk.page(MINE)
    assert "a***@example.com , +49***20 (not verified)" in page.text
    for secret in (MAIL, PHONE, "901820"):
        assert secret not in clerk.get(MINE).text
    assert "Can be spent now 700 points, worth 7.00 USD" in page.text
    assert "Balance 1,000" in page.text
    assert "In open codes 300" in page.text
    assert "Tier bronze" in page.text
    assert re.search(r"1,200 1,000 – never a welcome \(the owner\)", page.text), "the lot: earned, left, never pending"
    assert re.search(r"correction −200 1,000 – a mistake \(Bob\)", page.text)
    assert re.search(r"correction \+1,200 1,200 – a welcome \(the owner\)", page.text)
    assert "shop 17 – 700" in page.text
    assert "till C/4 & – 700" in page.text
    assert f"{made.code} 3.00 USD off open 300" in page.text
    assert f"/code?code={made.code}" in page.links


def test_a_lot_that_is_pending_says_until_when(house: House, clerk: Visitor) -> None:
    now = context(house).now()
    lot = store.LotRow(
        id="shop/7/1", person=ADA, channel="shop", order_id="7", earned=40, kept=30, earned_at=now,
        spendable_at=now + timedelta(days=14), expires_at=now + timedelta(days=365),
    )  # fmt: skip
    house.app.database.write(lambda connection: store.save_lots(connection, [lot]))
    text = clerk.page(MINE).text
    assert f"40 (30 kept) 30 {now + timedelta(days=14):%Y-%m-%d %H:%M:%S} {now + timedelta(days=365):%Y-%m-%d}" in text
    assert "order 7 on shop" in text


def test_a_codes_page_says_its_terms_and_where_it_can_be_used(clerk: Visitor) -> None:
    page = clerk.page(PAGE)
    assert "5.00 USD off" in page.text
    assert "1 use left of 1" in page.text
    assert "till by claim: the discount is keyed in 0 – 0" in page.text
    assert re.search(r"shop being written 0 1 0", page.text)
    assert "Nobody has used it yet." in page.text
    assert page.buttons[-2:] == ["Claim a use", f"Close {CODE}"]
    assert page.counts["svg"] == 1
    for typed in ("autumn-ofir", f"  {CODE.lower()} "):
        answer = clerk.get(f"/code?{urlencode({'code': typed})}")
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


@pytest.mark.parametrize("typed", ["", "NONE", "<script>alert(1)</script>", "\x00", "x" * 5000, "{{ 7*7 }}"])
def test_a_code_that_is_not_there_is_typed_again_at_once(clerk: Visitor, typed: str) -> None:
    answer = clerk.get(f"/code?{urlencode({'code': typed})}")
    page = read(answer.text)
    assert answer.status_code == 404
    assert not page.problems
    assert "there is no code" in page.text
    assert "<script" not in answer.text
    assert [one["id"] for one in page.fields if "autofocus" in one] == ["code"]


def test_a_clerk_claims_keys_in_and_captures(house: House, clerk: Visitor) -> None:
    claim = claimed(clerk)
    page = clerk.page(PAGE)
    assert f"It was used at till : capture claim {claim}" in page.buttons
    assert house.poked == 1
    text = sent(clerk, "capture", claim=claim, order="R-17")
    assert "Used at till." in text
    assert "till R-17 yes –" in text
    assert (left(context(house)), house.poked) == (0, 2)
    assert "used up" in text
    assert "Claim a use" not in clerk.page(PAGE).buttons
    assert re.search(rf"till {claim} used [-0-9: ]+ R-17", text)


def test_a_use_by_an_order_on_record_leads_there(house: House, clerk: Visitor) -> None:
    house.shop("till").sale([{"sku": "MUG", "quantity": 1}])
    house.sync()
    known = next(one for one in picture.orders(house.app).orders if one.channel == "till")
    sent(clerk, "capture", claim=claimed(clerk), order=known.order_id)
    (link,) = [one for one in clerk.page(PAGE).links if one.startswith("/order?")]
    assert clerk.get(link).status_code == 200


def test_a_claim_that_is_given_back_can_be_made_again(house: House, clerk: Visitor) -> None:
    first = claimed(clerk)
    assert "is given back" in sent(clerk, "release", claim=first)
    assert claimed(clerk) != first
    assert left(context(house)) == 1


def test_points_in_a_code_are_free_again_once_it_is_closed(house: House, clerk: Visitor) -> None:
    live = context(house)
    made = house.app.database.write(lambda connection: acting.redeem(connection, live, ADA, 300, []))
    path = f"/code?code={made.code}"
    page = clerk.page(path)
    assert f"300 points of {ADA}" in page.text
    assert MINE in page.links
    assert "For one customer only." in page.text
    assert MAIL not in clerk.get(path).text
    assert free(live) == 900
    assert f"{made.code} is closed" in sent(clerk, "close", path, code=made.code)
    assert (free(live), balance(live).balance) == (1200, 1200)


def test_a_form_that_is_sent_twice_is_done_once(house: House, clerk: Visitor) -> None:
    code(context(house), "TWICE", uses=5)
    fields = hidden(clerk, "/code?code=TWICE") | {"code": "TWICE", "channel": "till"}
    assert [clerk.post("/code/claim", fields).status_code for _ in range(3)] == [303] * 3
    assert "That was done already" in clerk.page("/code?code=TWICE").text
    assert house.poked == 1
    status = house.app.serving.loyal.life("TWICE").status
    assert len(status.claims) == 1
    again = hidden(clerk, "/code?code=TWICE") | {"code": "TWICE", "channel": "till"}
    assert clerk.post("/code/claim", again).status_code == 303
    assert len(house.app.serving.loyal.life("TWICE").status.claims) == 2


def test_a_code_that_is_not_for_everybody_asks_who_buys(house: House, clerk: Visitor) -> None:
    code(context(house), "ONCEEACH", replace(TERMS, per_customer=1), uses=5)
    needed = re.compile(r'name="customer"[^>]* required>')
    assert needed.search(clerk.get("/code?code=ONCEEACH").text)
    assert not needed.search(clerk.get(PAGE).text)
    fields = hidden(clerk, "/code?code=ONCEEACH") | {"code": "ONCEEACH", "channel": "till"}
    assert "must be known who buys" in clerk.post("/code/claim", fields).text
    assert clerk.post("/code/claim", fields | {"customer": " Eve@example.com "}).status_code == 303
    (made,) = house.app.serving.loyal.life("ONCEEACH").status.claims
    assert made.channel == "till"
    assert "nobody is known by this name" in clerk.post("/code/claim", fields | {"customer": "eve"}).text


@pytest.mark.parametrize(
    ("act", "fields", "said"),
    [
        ("claim", {"code": CODE, "channel": "till", "customer": "x" * 321}, "that is nobody's e-mail or phone"),
        ("claim", {"code": "NONE", "channel": "till"}, "there is no code"),
        ("claim", {"code": CODE, "channel": "moon"}, "is not good at moon"),
        ("claim", {}, "there is no code"),
        ("claim", {"code": CODE, "channel": "till", "once": "x"}, "the form is not whole"),
        ("claim", {"code": CODE, "channel": "till", "once": ""}, "the form is not whole"),
        ("capture", {"claim": "none"}, "there is no claim"),
        ("capture", {"claim": "none", "order": "x" * 121}, "no number of an order"),
        ("release", {}, "there is no claim"),
        ("close", {"code": "NONE"}, "there is no code"),
    ],
)
def test_what_cannot_be_done_says_why_and_does_nothing(
    house: House, clerk: Visitor, act: str, fields: dict[str, str], said: str
) -> None:
    answer = clerk.post(f"/code/{act}", hidden(clerk, PAGE) | fields)
    assert answer.status_code == 409
    page = read(answer.text)
    assert not page.problems
    assert said in page.text
    assert "What to do:" in page.text
    assert (left(context(house)), house.poked) == (1, 0)


def test_nothing_is_done_for_a_stranger_or_from_another_site(house: House, clerk: Visitor) -> None:
    fields = hidden(clerk, PAGE) | {"code": CODE, "channel": "till", "claim": "x", "who": MAIL}
    stranger = Visitor(house)
    bearer = {"authorization": f"Bearer {TOKENS['reader']}"}
    for path in ("/code/claim", "/code/capture", "/code/release", "/code/close", "/customers"):
        assert stranger.post(path, fields).status_code == 403
        assert (
            clerk.post(path, fields, **{"origin": "https://evil.example", "sec-fetch-site": "cross-site"}).status_code
            == 403
        )
        assert clerk.post(path, fields | {"form": "made up"}).status_code == 403
        assert stranger.post(path, fields, **bearer).status_code == 403
    for path in (MINE, PAGE, "/customers"):
        assert stranger.get(path).status_code == 303
        assert stranger.get(path, headers=bearer).status_code == 200
        assert 'method="post"' not in stranger.get(path, headers=bearer).text
    assert house.app.serving.loyal.life(CODE).claims == ()
    assert house.poked == 0


def test_no_page_of_theirs_leads_to_one_that_is_not_there(house: House, clerk: Visitor) -> None:
    live = context(house)
    house.app.database.write(lambda connection: acting.redeem(connection, live, ADA, 300, []))
    sent(clerk, "capture", claim=claimed(clerk), order="R/1 & <2>")
    for path in (MINE, PAGE, "/customers"):
        for link in clerk.page(path).links:
            assert clerk.get(link.partition("#")[0] or path).status_code == 200, link
    assert clerk.get("/customer?person=cust_eve").status_code == 404
    assert clerk.get("/customer").status_code == 404


def modules(svg: str) -> list[list[int]]:
    """Which modules of a drawn symbol are dark, without the quiet zone."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \1"', svg)[0])
    grid = [[0] * size for _ in range(size)]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg):
        for at in range(int(x), int(x) + int(length)):
            grid[int(y)][at] = 1
    rim = [cell for at, row in enumerate(grid) for cell in ((*row[:4], *row[-4:]) if 4 <= at < size - 4 else row)]
    assert not any(rim), "a scanner needs a quiet zone"
    return [row[4:-4] for row in grid[4:-4]]


@pytest.mark.parametrize("text", ["ABC", CODE, "A" * 40])
def test_the_picture_of_a_code_is_its_qr_symbol(text: str) -> None:
    svg = str(qr(text))
    assert modules(svg) == [list(row) for row in segno.make_qr(text, error="m").matrix]
    assert f'aria-label="QR code of {text}"' in svg
    assert isinstance(read(svg), Read)
    assert "style" not in svg


def campaign(terms: CouponTerms, **more: Any) -> Campaign:
    return replace(Campaign(name="X", terms=terms, policy="shared", channels=("shop",)), **more)


def test_terms_are_told_in_words_and_addresses_are_not() -> None:
    at = datetime(2026, 11, 2, 8, tzinfo=UTC)
    terms = CouponTerms(
        kind="percent", percent=1500, minimum=Money(2000, "USD"), starts_at=at, ends_at=at + timedelta(days=1), excluded=("MUG",),
        per_customer=1, first_order=True, emails=(MAIL, "ben@example.com"), stacks=True,
    )  # fmt: skip
    words = told(campaign(terms, uses=None, restore=False))
    assert words == [
        "Nothing off MUG.", "Good from 2026-11-02 08:00 UTC on.", "Good until 2026-11-03 08:00 UTC.",
        "For a customer's first order only.", "For 2 customers only.", "Other codes may be used beside it.",
        "As often as people like.", "At most 1 use a customer.",
        "Every channel may accept all uses that are left; the others are told at once.",
        "A cancelled order does not give its use back.",
    ]  # fmt: skip
    plain = told(campaign(CouponTerms(kind="free_shipping"), uses=3, policy="split", kind="points"))
    assert plain[:2] == ["No other code beside it.", "Good for 3 uses in all."]
    assert any("Made of points" in one for one in plain)
