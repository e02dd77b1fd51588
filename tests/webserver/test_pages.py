"""Every page over a house with a history: complete, well made, and not fooled by what a catalogue may hold."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.app import picture
from bridge.domain.position import Position
from bridge.store import documents, events, notes, positions
from bridge.store.database import Database
from bridge.store.documents import ACCEPTED, Agreed
from bridge.store.errors import StoreError
from bridge.store.figures import Figure
from bridge.store.tables import conflicts, drifts, listings, orders, parked, skus
from bridge.webserver.pages import charts
from tests.webserver.household import HOSTILE, TOKENS, House, empty, lived_in
from tests.webserver.visitor import Visitor, enter
from tests.webserver.wellformed import read

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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a history, to look at only."""
    house = lived_in(tmp_path_factory.mktemp("house"))
    yield house
    house.close()


@pytest.fixture(scope="module")
def visitor(home: House) -> Visitor:
    """Somebody who has logged in there."""
    return enter(home)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a history, to do things in."""
    house = lived_in(tmp_path)
    yield house
    house.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_well_made_and_tells_where_one_is(visitor: Visitor, path: str) -> None:
    page = visitor.page(path)
    assert "Skip to the content" in page.text
    assert page.links[:2] == ["#main", "/"]
    assert "Log out" in page.buttons
    html = visitor.get(path).text
    current = re.findall(r'<a href="([^"]+)" aria-current="page"', html)
    assert current == ([path.partition("?")[0]] if path.partition("?")[0] not in {"/search", "/why"} else [])


def test_no_page_leads_to_one_that_is_not_there(visitor: Visitor) -> None:
    seen: set[str] = set()
    todo = ["/"]
    while todo:
        path = todo.pop().partition("#")[0]
        if path in seen or len(seen) > 150 or not path:
            continue
        seen.add(path)
        todo += visitor.page(path).links
    assert {path.partition("?")[0] for path in seen} >= {
        "/",
        "/orders",
        "/order",
        "/why",
        "/trouble",
        "/parked",
        "/webhooks",
        "/events",
        "/customers",
    }


def test_the_overview_tells_how_often_a_channel_is_asked(visitor: Visitor) -> None:
    facts = re.findall(r"<dt>Last asked</dt><dd>([^<]*)</dd>", visitor.get("/").text)
    assert [one.partition(", ")[2] for one in facts] == ["every 3 minutes", ""]


def test_the_overview_counts_what_agrees_as_the_database_has_it(home: House, visitor: Visitor) -> None:
    text = visitor.page("/").text
    for name in ("shop", "till"):
        rows = [row for row in home.app.database.read(partial(_positions, channel=name)) if not row.gone]
        agree = sum(row.shown == row.target for row in rows)
        held = sum(bool(row.parked) and row.shown != row.target for row in rows)
        assert f"{name} {'woocommerce' if name == 'shop' else 'square'}" in text
        assert f"{agree} agree {len(rows) - agree} differ" in text
        assert (f"{held} held back" in text) or not held
    assert "23 of 28 numbers agree with the ledger." in text
    assert "the till answered <b>503</b>" in text
    assert "Running" in text
    assert "Last attempt failed" in text
    assert "Last webhook 3 minutes ago" in text
    assert "Last webhook never" in text
    # 24 hours of 60 + 38 + 2: half at most 250 ms, 99 % at most 2 s.
    assert "News reach the other channels (2,500 times in 24 hours) half within 250 ms 99 % within 2 s" in text
    assert "half within 100 ms, 99 % within 2 s" in text


def _positions(connection: sa.Connection, channel: str) -> list[Position]:
    return list(positions.every(connection, channel))


def test_charts_say_in_words_what_they_show(visitor: Visitor) -> None:
    html = visitor.get("/").text
    assert re.search(
        r'aria-label="120 numbers written in the last 24 hours, at most 5 in the hour from 09:00 UTC"', html
    )
    assert "Of 17 numbers 12 agree, 5 differ, 0 are being written, 0 are not known" in html
    assert html.count('<svg class="bars"') == 4


def test_why_tells_the_whole_story(visitor: Visitor) -> None:
    text = visitor.page("/why?sku=MUG").text
    assert "At main : 11" in text
    assert re.search(r"sale −3 11 shop", text)
    assert re.search(r"refund \+1 11 shop", text)
    assert "Lost or doubled updates, repaired" in text
    assert "numbers set there do not count" in text
    assert "11 99" in text


def test_why_tells_which_edits_a_platform_has_only_accepted(house: House) -> None:
    def accept(connection: Connection) -> None:
        (row,) = connection.execute(
            sa.select(listings).where(listings.c.sku == "MUG", listings.c.channel == "till")
        ).all()
        flying = {"title": Agreed("<b>Cup</b> & saucer", "Mug", ACCEPTED), "price": Agreed("1.00 EUR", "1.00 EUR")}
        documents.save_agreements(connection, "product", {("till", row.product_id): flying}, house.app.now())

    visitor = enter(house)
    assert "not carried out yet" not in visitor.page("/why?sku=MUG").text
    house.app.database.write(accept)
    assert "till title <b>Cup</b> & saucer square" in visitor.page("/why?sku=MUG").text


def test_a_search_leads_to_the_sku_or_to_those_like_it(visitor: Visitor) -> None:
    for exact in ("MUG", "4000000000009", "  MUG "):
        answer = visitor.get(f"/search?{urlencode({'q': exact})}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/why?sku=MUG")
    assert "9 SKUs" in visitor.page("/search?q=tee").text
    assert "Mug & Saucer MUG" in visitor.page("/search?q=SAUCER").text
    assert "Did you mean SKU Title MUG" in visitor.page("/search?q=MUGG").text
    assert "No SKU has" in visitor.page("/search?q=100%25").text
    assert "No SKU has" in visitor.page("/search?q=T_E").text, "a search takes no wildcards"


def test_an_unknown_sku_order_or_page_is_told_with_what_to_do(visitor: Visitor) -> None:
    for path, said in (
        ("/why?sku=MUGG", "did you mean MUG?"),
        ("/why", "there is no SKU"),
        ("/order?channel=shop&id=nope", "look for its number among the orders"),
        ("/orders?before=nonsense", "start from the newest"),
        ("/nowhere", "go to the overview"),
    ):
        answer = visitor.get(path)
        assert answer.status_code == 404
        page = read(answer.text)
        assert not page.problems
        assert said in page.text


def test_orders_show_what_they_take_from_the_ledger_newest_change_first(home: House, visitor: Visitor) -> None:
    page = visitor.page("/orders")
    changed = re.findall(r'data-label="Changed"><time datetime="([^"]+)"', visitor.get("/orders").text)
    assert changed == sorted(changed, reverse=True)
    assert len(changed) == 5
    assert "and 5 more" in page.text, "one order takes eleven SKUs"
    assert "1 line not linked" in page.text
    number = next(one.number for one in picture.orders(home.app).orders if len(one.effects) == 2)
    found = visitor.page(f"/orders?number={number}")
    assert "MUG −2" in found.text
    assert "TEE-RED-M −1" in found.text
    assert found.counts["tr"] == 2
    assert "No order has" in visitor.page("/orders?number=nope").text
    assert visitor.page("/orders?channel=till").counts["tr"] == 3


def test_an_order_tells_its_lines_effects_and_movements(home: House, visitor: Visitor) -> None:
    one = next(one for one in picture.orders(home.app).orders if len(one.effects) == 2)
    page = visitor.page(f"/order?{urlencode({'channel': one.channel, 'id': one.order_id})}")
    assert "Mug & Saucer MUG MUG 3 1" in page.text, "three ordered, one refunded"
    assert page.text.count("MUG sale −3") == 1
    assert page.text.count("MUG refund +1") == 1


def test_orders_go_on_page_by_page_and_none_is_missed_or_told_twice(house: House) -> None:
    with house.app.database.engine.begin() as connection:
        row = connection.execute(sa.select(orders).where(orders.c.channel == "shop").limit(1)).one()._mapping
        at = row["updated_at"]
        many = [
            {**row, "order_id": f"{n:05d}", "number": f"N{n:05d}", "channel": channel, "updated_at": at - timedelta(seconds=n // 7)}
            for n in range(70)
            for channel in ("shop", "till")
        ]  # fmt: skip
        connection.execute(orders.insert(), many)
    visitor, path, told = enter(house), "/orders?number=N0", []
    for _ in range(4):
        page = visitor.page(path)
        told += [link for link in page.links if link.startswith("/order?")]
        older = [link for link in page.links if "before=" in link]
        if not older:
            break
        path = older[0]
    assert len(told) == len(set(told)) == 140
    assert len([link for link in visitor.page("/orders?number=N00003").links if link.startswith("/order?")]) == 2


def test_drift_conflicts_and_listings_that_need_a_look(visitor: Visitor) -> None:
    text = visitor.page("/trouble").text
    assert "till MUG 11 99 numbers set there do not count" in text
    assert 'CAP title "Straße Café Hat CAP" "Hat" till shop' in text


def test_parked_shows_what_an_approval_would_let_through(visitor: Visitor) -> None:
    page = visitor.page("/parked")
    assert "the plan for till would set 4 SKUs to 0 (limit 3)" in page.text
    assert "An approval lets 4 numbers be written" in page.text
    assert re.search(r"TEE-BLUE-M main \d+ 0", page.text)
    assert "Approve the plan for till" in page.buttons
    assert "Try all 2 again" in page.buttons
    assert sum(one.startswith("Try again : ") for one in page.buttons) == 2


def test_approve_lets_the_plan_through_and_wakes_the_daemon(house: House) -> None:
    visitor = enter(house)
    answer = visitor.post("/approve", {"form": visitor.token("/parked"), "channel": "till"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/parked")
    assert house.poked == 1
    page = visitor.page("/parked")
    assert "4 writes to till approved" in page.text
    assert "Approve the plan for till" not in page.buttons
    assert "approved" not in visitor.page("/parked").text, "it is said once"
    house.platforms["till"].faults.clear()
    house.sync()
    assert {sku: sum(row.values()) for sku, row in house.shop("till").stock().items() if sku.startswith("TEE-BLUE")} == {
        "TEE-BLUE-S": 0, "TEE-BLUE-M": 0, "TEE-BLUE-L": 0,
    }  # fmt: skip
    assert visitor.post("/approve", {"form": visitor.token("/parked"), "channel": "till"}).status_code == 303
    assert "Nothing is held back on till any more." in visitor.page("/parked").text


def test_retry_takes_one_item_back_in_and_the_rest_stays(house: House) -> None:
    visitor = enter(house)
    (item,) = [one for one in house.app.parked() if one.subject == "position"]
    house.platforms["till"].faults.clear()
    assert visitor.post("/retry", {"form": visitor.token("/parked"), "id": str(item.id)}).status_code == 303
    assert house.poked == 1
    assert "1 item taken back in." in visitor.page("/parked").text
    assert {one.subject for one in house.app.parked()} == {"plan", "order"}
    house.sync()
    assert sum(house.shop("till").stock()["CAP"].values()) == sum(house.shop("shop").stock()["CAP"].values())


def test_retry_of_all_says_what_stays_parked_and_why(house: House) -> None:
    visitor = enter(house)
    assert visitor.post("/retry", {"form": visitor.token("/parked"), "id": "all"}).status_code == 303
    text = visitor.page("/parked").text
    assert "1 item taken back in. 1 order stayed parked: link the products first" in text
    assert {one.subject for one in house.app.parked()} == {"plan", "order"}


def test_what_a_person_has_to_answer_is_taken_off_by_its_number_alone(house: House) -> None:
    now = house.app.now()
    for subject, key in (("customer", "cust_a/cust_b"), ("privacy", "17")):
        house.app.database.write(
            lambda c, subject=subject, key=key: notes.park(c, subject, "shop", key, "answer it", now)  # type: ignore[misc]
        )
    visitor = enter(house)
    assert visitor.post("/retry", {"form": visitor.token("/parked"), "id": "all"}).status_code == 303
    assert "What asks something of you stayed parked" in visitor.page("/parked").text
    asked = {one.subject: one.id for one in house.app.parked() if one.key in {"cust_a/cust_b", "17"}}
    assert set(asked) == {"customer", "privacy"}
    assert visitor.post("/retry", {"form": visitor.token("/parked"), "id": str(asked["customer"])}).status_code == 303
    assert {one.subject for one in house.app.parked()} == {"plan", "order", "privacy"}


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("/approve", {"channel": "tilt"}, 409, "did you mean till?"),
        ("/approve", {}, 409, "there is no channel"),
        ("/retry", {"id": "99"}, 409, "nothing is parked under number 99"),
        ("/retry", {"id": "1; drop table parked"}, 409, "does not say which item"),
        ("/retry", {"id": "9" * 30}, 409, "does not say which item"),
        ("/retry", {"id": "\u0663"}, 409, "does not say which item"),
        ("/retry", {}, 409, "does not say which item"),
    ],
)
def test_a_button_for_what_is_no_more_says_so_and_does_nothing(
    home: House, visitor: Visitor, path: str, fields: dict[str, str], status: int, said: str
) -> None:
    before = home.app.parked()
    answer = visitor.post(path, {"form": visitor.token("/parked"), **fields})
    assert answer.status_code == status
    assert said in read(answer.text).text
    assert home.app.parked() == before
    assert home.poked == 0


def test_while_another_process_works_the_page_says_whom_to_wait_for(home: House, visitor: Visitor) -> None:
    token = visitor.token("/parked")
    before = home.app.parked()
    other = Database(home.app.loaded.database)
    with other.alone("bridge sync"):
        answer = visitor.post("/approve", {"form": token, "channel": "till"})
    other.close()
    assert answer.status_code == 409
    assert "`bridge sync`" in read(answer.text).text
    assert "is working on this database What to do: wait until it is done, or stop it" in read(answer.text).text
    assert home.app.parked() == before


def test_a_database_that_cannot_be_read_is_told_and_the_next_page_works(
    home: House, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise StoreError("the disk is gone", "put it back")

    monkeypatch.setattr(home.app.database, "read", broken)
    answer = visitor.get("/trouble")
    assert answer.status_code == 503
    assert "the disk is gone What to do: put it back" in read(answer.text).text
    monkeypatch.undo()
    assert visitor.page("/trouble").text


def test_a_mistake_of_ours_is_told_without_its_insides(
    home: House, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(_: object) -> None:
        raise ZeroDivisionError("secret insides")

    monkeypatch.setattr(home.app.database, "read", mistaken)
    answer = visitor.get("/trouble")
    assert answer.status_code == 500
    assert "secret insides" not in answer.text
    assert "the log says more" in answer.text
    assert "secret insides" in caplog.text


@pytest.mark.parametrize("sku", [*HOSTILE, "x" * 10_000, "a b\tc", "\u200f\u202e", "&lt;i&gt;"])
def test_no_sku_or_title_breaks_a_page(house: House, sku: str) -> None:
    title = f"{sku} of '\"<b>&amp;"
    with house.app.database.engine.begin() as connection:
        connection.execute(skus.delete().where(skus.c.sku == sku))
        connection.execute(skus.insert().values(sku=sku, title=title, tags="", product="", created_at=None))
        for table in (drifts, positions_of(sku)):
            connection.execute(table.update().where(table.c.sku == "MUG").values(sku=sku))
        connection.execute(conflicts.update().values(key=sku, ours=sku, theirs=title))
        connection.execute(parked.update().where(parked.c.subject != "plan").values(reason=title, channel="till"))
        connection.execute(parked.update().where(parked.c.subject == "position").values(key=sku))
        notes.park(connection, "plan", "shop", "shop", title, house.app.now())
    visitor = enter(house)
    for path in (
        "/",
        "/trouble",
        "/parked",
        f"/why?sku={quote(sku, safe='')}",
        f"/search?q={quote(title[:60], safe='')}",
    ):
        page = visitor.page(path)
        assert " ".join(sku.split())[:50] in page.text or path in {"/"}, path
        html = visitor.get(path).text
        assert sku not in html or sku == escape(sku, quote=True).replace("&#x27;", "&#39;"), path
    assert visitor.get(f"/search?q={quote(sku, safe='')}").status_code in {200, 303}
    link = next(one for one in visitor.page("/trouble").links if one.startswith("/why?"))
    assert visitor.get(link).status_code == 200, "its own link finds it"


def positions_of(sku: str) -> sa.Table:
    """Return the table of positions: any SKU will do."""
    from bridge.store.tables import positions as table

    assert sku
    return table


def test_a_house_on_its_first_day_says_what_to_do_first(tmp_path: Path) -> None:
    house = empty(tmp_path)
    visitor = enter(house)
    for path in PAGES:
        if path != "/why?sku=MUG":
            visitor.page(path)
    text = visitor.page("/").text
    assert "The ledger is not open yet" in text
    assert "Nothing is written there yet: run bridge adopt" in text
    assert "nothing measured in 24 hours" in text
    house.close()


def test_a_script_sees_the_same_without_buttons(home: House) -> None:
    bearer = {"authorization": f"Bearer {TOKENS['reader']}"}
    stranger = Visitor(home)
    for path in PAGES:
        answer = stranger.get(path, headers=bearer)
        assert answer.status_code == 200
        assert not read(answer.text).problems
        assert 'method="post"' not in answer.text


def test_webhooks_and_events_stand_as_the_database_has_them(home: House, visitor: Visitor) -> None:
    text = visitor.page("/webhooks").text
    assert "shop http://127.0.0.1/hooks/shop 3 minutes ago 3 1 2" in text
    assert "till http://127.0.0.1/hooks/till never 0 0 0" in text
    assert "order 77 <is> no more" in text
    text = visitor.page("/events").text
    backlog = home.app.database.read(events.counts)["mailer"]
    assert backlog.waiting > 10
    assert f"mailer https://automation.example/bridge everything {backlog.waiting} 1 minute ago 0 0" in text
    # Whose order was heard of first is the platforms' affair.
    assert re.search(r"1 mailer order\.paid order/(shop|till)/", text)
    assert "the target answered 500" in text
    assert "0123456789abcdef" not in text, "secrets are shown nowhere"


def test_the_style_sheet_is_kept_for_ever_and_its_address_changes_with_it(home: House, visitor: Visitor) -> None:
    href = re.search(r'<link rel="stylesheet" href="([^"]+)"', visitor.get("/").text)
    assert href is not None
    answer = visitor.get(href[1])
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert re.fullmatch(r"/static/bridge\.css\?[0-9a-f]{12}", href[1])
    for path in ("/static/../site.py", "/static/..%2fsite.py", "/static/base.html", "/static/"):
        assert visitor.get(path).status_code == 404
    assert visitor.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"


def figures(classes: dict[str, int], channel: str = "shop") -> list[Figure]:
    """Return counted delays of one hour."""
    from tests.unit.make import T0

    return [Figure(hour=T0, channel=channel, name=f"delay.{name}", value=value) for name, value in classes.items()]


@pytest.mark.parametrize(
    ("classes", "count", "half", "most"),
    [
        ({}, 0, None, None),
        ({"le.50": 1}, 1, 50, 50),
        ({"le.50": 50, "le.1000": 49, "more": 1}, 100, 50, 1000),
        ({"le.50": 50, "le.1000": 48, "more": 2}, 100, 50, None),
        ({"le.50": 49, "le.100": 51}, 100, 100, 100),
        ({"more": 3}, 3, None, None),
    ],
)
def test_delays_are_bounds_that_half_and_nearly_all_kept(
    classes: dict[str, int], count: int, half: int | None, most: int | None
) -> None:
    found = picture.delay(figures(classes))
    assert (found.count, found.half, found.most) == (count, half, most)


def test_a_bar_shows_every_kind_that_there_is_however_few() -> None:
    assert sum(charts._widths([99_999, 1, 0, 1])) == 1000
    assert min(width for width in charts._widths([99_999, 1, 0, 1]) if width) == 12
    assert charts._widths([0, 0, 0, 0]) == [0, 0, 0, 0]
    assert charts._widths([0, 0, 5, 0]) == [0, 0, 1000, 0]


def test_a_page_asks_the_database_few_questions_however_much_there_is(home: House, visitor: Visitor) -> None:
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    sa.event.listen(home.app.database.engine, "before_cursor_execute", note)
    counts: dict[str, int] = {}
    try:
        for path in ("/", "/orders", "/trouble", "/parked", "/webhooks", "/events"):
            asked.clear()
            visitor.page(path)
            counts[path] = len([one for one in asked if one.lstrip().upper().startswith("SELECT")])
    finally:
        sa.event.remove(home.app.database.engine, "before_cursor_execute", note)
    assert max(counts.values()) <= 18, counts
