"""A clerk at the counter, in a real browser: finds a customer, scans a code, keys the discount in, and says what came of it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from tests.browser.conftest import Desk
from tests.browser.test_in_chromium import CONTRAST, DARK, NARROW, PHONE, tab_to, violations, wide
from tests.webserver.household import House, lived_in
from tests.webserver.loyal_house import ADA, CODE, at_work, code, left, member

MINE = f"/customer?person={ADA}"
PAGES = ("/customers", MINE, f"/code?code={CODE}")


def _peopled(folder: Path) -> House:
    house = lived_in(folder)
    context = at_work(house)
    member(context, 1200, accounts=[("shop", "17"), ("till", "C" * 60)])
    code(context, uses=3)
    house.app.database.write(lambda connection: acting.redeem(connection, context, ADA, 300, []))
    house.app.database.write(
        lambda connection: claiming.claim(connection, context, CODE, "till", timedelta(hours=1), person=ADA)
    )
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house at work, made in a thread of its own: Ada has points and a code, and one use of another is promised at the till."""
    with ThreadPoolExecutor(1) as elsewhere:
        house = elsewhere.submit(_peopled, tmp_path).result()
        yield house
        elsewhere.submit(house.close).result()


def claims(desk: Desk) -> list[tuple[str, str]]:
    """What became of the claims, newest first, as the database has it."""
    return [(one.state, one.order_id) for one in desk.house.app.serving.loyal.life(CODE).claims]


def test_every_page_loads_without_a_word_of_complaint(desk: Desk) -> None:
    desk.log_in()
    for path in PAGES:
        desk.open(path)
        expect(desk.page.locator("h1")).to_be_visible()
        assert violations(desk.page) > 50, "the style sheet applies"
    box = desk.page.get_by_role("img", name=f"QR code of {CODE}").bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150, "a scanner sees it"
    colours = desk.page.locator("svg.qr").evaluate(
        "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one.querySelector('path')).fill]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


def test_a_customer_is_looked_up_by_mail_and_the_address_bar_keeps_nothing(desk: Desk) -> None:
    desk.log_in()
    desk.page.get_by_role("link", name="Customers", exact=True).click()
    desk.page.get_by_label("E-mail, phone, or account").fill("eve@example.com")
    desk.page.get_by_role("button", name="Look the customer up").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("nobody is known")
    assert "eve@" not in desk.page.content()
    assert "@" not in desk.page.url
    expect(desk.page.get_by_label("E-mail, phone, or account")).to_be_focused()
    desk.page.keyboard.type("Ada@Example.com")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"{desk.url}{MINE}")
    expect(desk.page.locator("main")).to_contain_text("a***@example.com")
    expect(desk.page.locator("dl.tiles")).to_contain_text("900 points, worth 9.00 USD")
    desk.page.get_by_role("link", name=re.compile("^[0-9A-Z]{12}$")).click()
    expect(desk.page.locator("main")).to_contain_text("300 points of")
    # The browser itself reports the answer that nobody was found.
    assert [one for one in desk.complaints if "404" not in one] == []
    desk.complaints.clear()


def test_a_code_by_mouse_from_the_scan_to_the_receipt(desk: Desk) -> None:
    desk.log_in()
    desk.open("/customers")
    expect(desk.page.get_by_label("Type the code, or scan it")).to_be_focused()
    # A scanner types and presses Enter.
    desk.page.keyboard.type("autumn-ofir")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"{desk.url}/code?code={CODE}")
    desk.page.get_by_role("button", name="Claim a use").click()
    expect(desk.page.get_by_role("status")).to_contain_text("Key in at till: 5.00 USD off.")
    expect(desk.page.get_by_role("heading", name="Key in at till: 5.00 USD off")).to_have_count(2)
    desk.page.get_by_label("Order there").last.fill("R-17")
    desk.page.get_by_role("button", name="It was used").last.click()
    expect(desk.page.get_by_role("status")).to_have_text("Used at till.")
    assert sorted(claims(desk)) == [("open", ""), ("used", "R-17")]
    assert left(desk.house.app.live) == 2  # type: ignore[arg-type]
    desk.page.get_by_role("button", name="Give it back").click()
    expect(desk.page.get_by_role("status")).to_have_text("The use at till is given back.")
    desk.page.get_by_role("button", name=f"Close {CODE}").click()
    expect(desk.page.get_by_role("status")).to_contain_text("is closed")
    expect(desk.page.get_by_role("button", name="Claim a use")).to_have_count(0)
    assert sorted(claims(desk)) == [("released", ""), ("used", "R-17")]
    assert desk.house.poked == 4


def test_a_double_click_claims_once(desk: Desk) -> None:
    desk.log_in()
    desk.open(f"/code?code={CODE}")
    desk.page.get_by_role("button", name="Claim a use").dblclick()
    expect(desk.page.get_by_role("status")).to_be_visible()
    assert len(claims(desk)) == 2, "the one of before, and one more"


def test_everything_at_the_counter_without_a_mouse(desk: Desk) -> None:
    desk.log_in()
    page = desk.page
    tab_to(page, "Customers")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/customers")
    page.keyboard.type(CODE)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/code?code={CODE}")
    tab_to(page, "Claim a use")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Key in at till")
    tab_to(page, "order")
    page.keyboard.type("R-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Used at till.")
    tab_to(page, "Give it back")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text("given back")
    tab_to(page, f"Close {CODE}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is closed")
    assert sorted(claims(desk)) == [("released", ""), ("used", "R-1")]


@pytest.mark.parametrize("desk", [PHONE, NARROW], indirect=True, ids=["phone", "narrow"])
def test_on_a_phone_nothing_is_wider_than_the_screen(desk: Desk) -> None:
    desk.log_in()
    for path in PAGES:
        desk.open(path)
        content, window = wide(desk.page)
        assert content <= window, path
        for button in desk.page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 30, "a finger hits it"
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= window


@pytest.mark.parametrize("desk", [{}, DARK], indirect=True, ids=["light", "dark"])
def test_all_text_can_be_read_by_weak_eyes_in_light_and_dark(desk: Desk) -> None:
    desk.log_in()
    for path in PAGES:
        desk.open(path)
        poor = desk.page.evaluate(CONTRAST)
        assert poor == [], (path, poor)
