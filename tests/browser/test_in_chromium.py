"""What a person does with the page, in a real browser."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bridge.store.tables import conflicts, parked, positions, skus
from tests.browser.conftest import Desk
from tests.webserver.household import HOSTILE, PASSWORD

PAGES = (
    "/",
    "/?live=1",
    "/search",
    "/search?q=tee",
    "/why?sku=MUG",
    "/orders",
    "/trouble",
    "/parked",
    "/webhooks",
    "/events",
    "/customers",
)
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
NARROW = {"viewport": {"width": 320, "height": 640}}
DARK = {"color_scheme": "dark"}


def held(desk: Desk) -> list[Any]:
    """Return the numbers that the guard holds back."""
    query = sa.select(positions.c.sku).where(positions.c.parked.like("guard: %"))
    return desk.house.app.database.read(lambda connection: list(connection.execute(query).scalars()))


def subjects(desk: Desk) -> list[str]:
    """Return what is parked."""
    return sorted(one.subject for one in desk.house.app.parked())


def wide(page: Page) -> list[int]:
    """Return how wide the page is, and how wide the window."""
    found: list[int] = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return found


def violations(page: Page) -> int:
    """Count the rules of the style sheet that apply; none if it was not let in."""
    found: int = page.evaluate("document.styleSheets.length && document.styleSheets[0].cssRules.length")
    return found


def test_every_page_loads_without_a_word_of_complaint(desk: Desk) -> None:
    desk.log_in()
    order = desk.page.goto(f"{desk.url}/orders")
    assert order is not None
    first = desk.page.locator("main a[href^='/order?']").first.get_attribute("href")
    assert first is not None
    for path in (*PAGES, first):
        desk.open(path)
        expect(desk.page.locator("h1")).to_be_visible()
        assert violations(desk.page) > 50, "the style sheet applies"
    desk.open("/")
    assert desk.page.locator("svg.bars").first.evaluate("one => one.getBoundingClientRect().height") > 30
    colour = "one => getComputedStyle(one).fill"
    assert desk.page.locator("svg.share .agree").first.evaluate(colour) != "rgb(0, 0, 0)", "charts have their colours"


def test_logging_in_wrongly_rightly_and_out_again(desk: Desk) -> None:
    desk.page.goto(f"{desk.url}/orders?number=22")
    expect(desk.page).to_have_url(re.compile(r"/login\?next="))
    password = desk.page.get_by_label("Password")
    expect(password).to_be_focused()
    password.fill("wrong password")
    password.press("Enter")
    expect(desk.page.get_by_role("alert")).to_have_text("That is not the password.")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Log in").click()
    desk.page.wait_for_url(f"{desk.url}/orders?number=22")
    desk.page.get_by_role("button", name="Log out").click()
    desk.page.wait_for_url(f"{desk.url}/login")
    desk.page.goto(f"{desk.url}/parked")
    expect(desk.page.get_by_label("Password")).to_be_visible()
    # The browser itself reports the answer of a wrong password.
    assert [one for one in desk.complaints if "403" not in one] == []
    desk.complaints.clear()


def test_approve_by_mouse_is_in_the_database(desk: Desk) -> None:
    desk.log_in()
    assert sorted(held(desk)) == ["TEE-BLUE-L", "TEE-BLUE-M", "TEE-BLUE-S", "TEE-SAND-S"]
    desk.page.get_by_role("link", name="Parked", exact=True).click()
    desk.page.get_by_role("button", name="Approve the plan for till").click()
    expect(desk.page.get_by_role("status")).to_have_text(re.compile(r"4 writes to till approved \(65 units\)"))
    expect(desk.page.get_by_role("button", name="Approve the plan for till")).to_have_count(0)
    assert held(desk) == []
    assert subjects(desk) == ["order", "position"]
    assert desk.house.poked == 1
    desk.page.reload()
    expect(desk.page.get_by_role("status")).to_have_count(0)


def test_retry_by_mouse_one_and_then_all(desk: Desk) -> None:
    desk.log_in()
    desk.open("/parked")
    desk.page.get_by_role("button", name=re.compile("^Try again ?: number")).click()
    expect(desk.page.get_by_role("status")).to_have_text("1 item taken back in.")
    assert subjects(desk) == ["order", "plan"]
    desk.page.get_by_role("button", name=re.compile("^Try all 1 again")).click()
    expect(desk.page.get_by_role("status")).to_contain_text("1 order stayed parked")
    assert subjects(desk) == ["order", "plan"]
    assert desk.house.poked == 2


def tab_to(page: Page, name: str, *, most: int = 60) -> None:
    """Press Tab until something of this name has the focus, and see that the focus is seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said, outline = page.evaluate(
            "() => { const one = document.activeElement; return [one.innerText || one.name || '',"
            " getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth]; }"
        )
        if said.strip().startswith(name):
            assert outline == "solid3px", f"one cannot see that {name} has the focus"
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_everything_without_a_mouse(desk: Desk) -> None:
    page = desk.page
    desk.open("/login")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/")
    tab_to(page, "Skip to the content", most=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, "refresh every 15 seconds", most=1)
    desk.open("/")
    tab_to(page, "Parked")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/parked")
    tab_to(page, "Approve the plan for till")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("4 writes to till approved")
    assert held(desk) == []
    tab_to(page, "Try again")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text("stayed parked")
    tab_to(page, "q")
    page.keyboard.type("mug")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/search?q=mug")
    tab_to(page, "MUG")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/why?sku=MUG")
    expect(page.get_by_role("heading", level=1)).to_have_text("MUG")


@pytest.mark.parametrize("desk", [PHONE, NARROW], indirect=True, ids=["phone", "narrow"])
def test_on_a_phone_nothing_is_wider_than_the_screen(desk: Desk) -> None:
    desk.log_in()
    with desk.house.app.database.engine.begin() as connection:
        connection.execute(skus.update().where(skus.c.sku == "MUG").values(title="Donaudampfschifffahrt" * 20))
        connection.execute(conflicts.update().values(ours="x" * 500, key="y" * 200))
        connection.execute(parked.update().where(parked.c.subject == "position").values(reason="z" * 700))
    order = desk.page.goto(f"{desk.url}/orders")
    assert order is not None
    first = desk.page.locator("main a[href^='/order?']").first.get_attribute("href")
    for path in (*PAGES, first or "", "/search?q=donau"):
        desk.open(path)
        content, window = wide(desk.page)
        assert content <= window, path
        for button in desk.page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 30, "a finger hits it"
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= window


def test_on_a_phone_every_value_says_what_it_is(desk: Desk) -> None:
    desk.log_in()
    desk.page.set_viewport_size({"width": 360, "height": 740})
    desk.open("/orders")
    said = desk.page.locator("td").first.evaluate("one => getComputedStyle(one, '::before').content")
    assert said == '"Order"'


CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = t => t.match(/[\\d.]+/g).map(Number);
  const back = one => { for (; one; one = one.parentElement) { const c = parse(getComputedStyle(one).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const one of document.querySelectorAll('body *')) {
    const text = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!text || one.closest('svg') || one.closest('.unseen') || !one.getClientRects().length) continue;
    const a = light(parse(getComputedStyle(one).color)), b = light(back(one));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(one.className + ' ' + one.innerText.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return poor;
}"""


@pytest.mark.parametrize("desk", [{}, DARK], indirect=True, ids=["light", "dark"])
def test_all_text_can_be_read_by_weak_eyes_in_light_and_dark(desk: Desk) -> None:
    desk.log_in()
    for path in PAGES:
        desk.open(path)
        poor = desk.page.evaluate(CONTRAST)
        assert poor == [], (path, poor)
    back = desk.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    dark = desk.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert max(back) < 60 if dark else min(back) > 200


def test_a_hostile_catalogue_is_only_text(desk: Desk) -> None:
    with desk.house.app.database.engine.begin() as connection:
        for name in HOSTILE:
            connection.execute(
                skus.update().where(skus.c.sku == name).values(title=f"{name} <b onclick=alert(1)>x</b>")
            )
        connection.execute(conflicts.update().values(ours=HOSTILE[0], theirs=HOSTILE[1]))
        connection.execute(parked.update().where(parked.c.subject == "plan").values(reason=HOSTILE[1] + HOSTILE[3]))
    desk.log_in()
    for name in HOSTILE:
        desk.open("/search")
        desk.page.get_by_label("SKU, part of its name").fill(name)
        desk.page.get_by_role("main").get_by_role("button", name="Find").click()
        expect(desk.page.get_by_role("heading", level=1)).to_have_text(name)
    for path in ("/trouble", "/parked", "/search?q=alert"):
        desk.open(path)
        assert desk.page.locator("main script, main img, main [onclick]").count() == 0


def test_the_refresh_is_asked_for_and_can_be_stopped(desk: Desk) -> None:
    desk.log_in()
    assert desk.page.locator("meta[http-equiv=refresh]").count() == 0
    desk.page.get_by_role("link", name="refresh every 15 seconds").click()
    assert desk.page.locator("meta[http-equiv=refresh]").get_attribute("content") == "15"
    desk.page.get_by_role("link", name="stop refreshing").click()
    assert desk.page.locator("meta[http-equiv=refresh]").count() == 0


def test_another_sites_form_does_nothing_although_the_browser_is_logged_in(desk: Desk) -> None:
    desk.log_in()
    # "localhost" is another site than 127.0.0.1, and the browser says so; the cookie would not even be sent along.
    desk.page.goto("about:blank")
    desk.page.set_content(
        f'<form id="f" action="{desk.url}/approve" method="post"><input name="channel" value="till"><input name="form" value="x"></form>'
    )
    with desk.page.expect_navigation() as moved:
        desk.page.evaluate("document.getElementById('f').submit()")
    answer = moved.value
    assert answer is not None
    assert answer.status == 403
    assert len(held(desk)) == 4
    assert desk.house.poked == 0
    desk.complaints.clear()
