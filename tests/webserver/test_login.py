"""Who gets in, who does not, and what everybody else is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bridge.config.model import TokenTable
from bridge.store import notes
from bridge.webserver.auth import (
    Session,
    Sessions,
    Throttle,
    hash_password,
    password_fault,
    password_fits,
    token_hash,
    token_of,
)
from bridge.webserver.security import from_here, stays_here
from tests.webserver.household import PASSWORD, TOKENS, House, empty
from tests.webserver.visitor import Visitor, enter
from tests.webserver.wellformed import read

PAGES = (
    "/",
    "/search",
    "/why?sku=MUG",
    "/orders",
    "/order?channel=shop&id=1",
    "/trouble",
    "/parked",
    "/webhooks",
    "/events",
)
T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house on its first day."""
    house = empty(tmp_path)
    yield house
    house.close()


def cookie_of(answer: httpx.Response) -> str:
    """Return the one cookie that an answer sets."""
    (line,) = answer.headers.get_list("set-cookie")
    return line


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_logging_in(house: House, path: str) -> None:
    answer = Visitor(house).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert not answer.text


@pytest.mark.parametrize("path", ["/approve", "/retry", "/logout"])
def test_nobody_does_anything_without_logging_in(house: House, path: str) -> None:
    visitor = Visitor(house)
    token = visitor.token("/login")
    answer = visitor.post(path, {"form": token, "channel": "shop", "id": "all"})
    assert answer.status_code == 403
    assert "log in" in read(answer.text).text
    assert house.poked == 0


def test_the_password_lets_in_and_leads_to_where_one_wanted_to_go(house: House) -> None:
    visitor = Visitor(house)
    wanted = visitor.get("/orders?number=17").headers["location"]
    assert wanted == "/login?next=%2Forders%3Fnumber%3D17"
    page = visitor.page(wanted)
    assert {field["name"] for field in page.fields} == {"form", "next", "user", "password"}
    token = visitor.token(wanted)
    answer = visitor.post("/login", {"form": token, "password": PASSWORD, "next": "/orders?number=17"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?number=17")
    assert "Max-Age=43200; Path=/; SameSite=lax" in cookie_of(answer)
    assert "HttpOnly" in cookie_of(answer)
    assert "Secure" not in cookie_of(answer)
    assert visitor.get("/orders?number=17").status_code == 200
    assert visitor.get("/login").headers["location"] == "/"


def test_behind_https_the_cookie_never_travels_in_the_clear(tmp_path: Path) -> None:
    house = empty(tmp_path, public_url="https://bridge.example")
    visitor = Visitor(house, base="https://bridge.example")
    assert "Secure" in cookie_of(visitor.get("/login"))
    answer = visitor.log_in()
    assert answer.status_code == 303
    assert "Secure" in cookie_of(answer)
    house.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "wrong",
        PASSWORD + " ",
        PASSWORD.upper(),
        "x" * 100_00,
        "\x00",
        "\ud83d\ude00"[:1].encode("utf-8", "replace").decode(),
    ],
)
def test_a_wrong_password_lets_nobody_in(house: House, wrong: str) -> None:
    visitor = Visitor(house)
    answer = visitor.log_in(wrong)
    assert answer.status_code == 403
    page = read(answer.text)
    assert not page.problems
    assert "That is not the password." in page.text
    assert visitor.get("/").status_code == 303


def test_the_same_accented_letter_typed_in_two_ways_is_one_password() -> None:
    assert password_fits(hash_password("Stra\u00dfe zum Caf\u00e9"), "Stra\u00dfe zum Cafe\u0301")
    assert not password_fits(hash_password("Stra\u00dfe zum Caf\u00e9"), "Strasse zum Cafe")


@pytest.mark.parametrize(("password", "said"), [("short", "10 characters"), ("x" * 1025, "1024"), ("ten letters", "")])
def test_a_new_password_is_long_enough(password: str, said: str) -> None:
    assert said in password_fault(password)
    assert bool(said) == bool(password_fault(password))


def sessions(house: House) -> Sessions:
    """Return the sessions of a server on this house's database."""
    config = house.app.loaded.config
    return Sessions(house.app.database, config.web.password, config.web.session, house.app.now)


def refused(house: House, password: str) -> None:
    """Send a login as the form would be, whether the page shows one or not: it lets nobody in."""
    visitor = Visitor(house)
    visitor.get("/login")
    session = sessions(house).read(visitor.client.cookies["bridge_session"])
    assert session is not None
    answer = visitor.post("/login", {"form": session.form, "password": password, "next": "/"})
    assert answer.status_code == 403
    assert visitor.get("/").status_code == 303


def test_without_a_password_nobody_gets_in_and_the_page_says_how_to_set_one(tmp_path: Path) -> None:
    house = empty(tmp_path, password="")
    page = Visitor(house).page("/login")
    assert "Run bridge password" in page.text
    assert not page.fields
    refused(house, "")
    refused(house, "anything")
    house.close()


def test_a_password_put_into_the_config_as_it_is_lets_nobody_in(tmp_path: Path) -> None:
    house = empty(tmp_path, password="correct horse")
    assert "is not what bridge password prints" in Visitor(house).page("/login").text
    refused(house, "correct horse")
    refused(house, "")
    house.close()


def test_guessing_gets_slower_and_slower_even_with_the_right_password(house: House) -> None:
    visitor = Visitor(house)
    for _ in range(5):
        assert visitor.log_in("wrong").status_code == 403
    answer = visitor.log_in(PASSWORD)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert "Try again in 2 seconds" in read(answer.text).text
    house.wait(2)
    assert visitor.log_in("wrong").status_code == 403
    assert visitor.log_in(PASSWORD).headers["retry-after"] == "4"
    house.wait(4)
    assert visitor.log_in(PASSWORD).status_code == 303
    assert visitor.get("/").status_code == 200


def test_behind_a_proxy_a_stranger_who_guesses_does_not_lock_the_owner_out(house: House) -> None:
    guesser = Visitor(house, address="172.18.0.2")
    for said in ("203.0.113.9", "1.2.3.4, 203.0.113.9", "127.0.0.1,203.0.113.9") * 2:
        guesser.client.headers["x-forwarded-for"] = said
        last = guesser.log_in("wrong")
    assert last.status_code == 429, "what the guesser writes into the header changes nothing"
    owner = guesser
    owner.client.headers["x-forwarded-for"] = "198.51.100.1"
    assert owner.log_in().status_code == 303


def test_nobody_else_says_where_he_calls_from(house: House) -> None:
    guesser = Visitor(house, address="8.8.8.8")
    answers = []
    for n in range(6):
        guesser.client.headers["x-forwarded-for"] = f"198.51.100.{n}"
        answers.append(guesser.log_in("wrong").status_code)
    assert answers == [403] * 5 + [429]


def test_one_address_waits_at_most_a_quarter_of_an_hour_and_an_hour_makes_good() -> None:
    throttle, now = Throttle(), T0
    for _ in range(40):
        now += throttle.wait("203.0.113.7", now)
        throttle.tried("203.0.113.7", now)
    assert throttle.wait("203.0.113.7", now) == timedelta(minutes=15)
    assert throttle.wait("203.0.113.8", now) == timedelta(0)
    later = now + timedelta(hours=1, seconds=1)
    throttle.tried("203.0.113.7", later)
    assert throttle.wait("203.0.113.7", later) == timedelta(0)


def test_guesses_from_many_addresses_are_limited_together_but_lock_nobody_out_who_was_in_before() -> None:
    throttle = Throttle()
    throttle.tried("198.51.100.1", T0)
    throttle.passed("198.51.100.1")
    for n in range(100):
        assert throttle.wait(f"203.0.113.{n}", T0) == timedelta(0)
        throttle.tried(f"203.0.113.{n}", T0)
    assert throttle.wait("192.0.2.1", T0 + timedelta(minutes=1)) == timedelta(minutes=9)
    assert throttle.wait("198.51.100.1", T0) == timedelta(0)
    assert throttle.wait("192.0.2.1", T0 + timedelta(minutes=10)) == timedelta(0)


def test_an_ipv6_customer_is_one_however_many_addresses_it_has() -> None:
    throttle = Throttle()
    for n in range(5):
        throttle.tried(f"2001:db8:1:2::{n}", T0)
    assert throttle.wait("2001:db8:1:2:ffff::9", T0) > timedelta(0)
    assert throttle.wait("2001:db8:1:3::1", T0) == timedelta(0)


def test_the_throttle_never_holds_more_than_it_was_told_to() -> None:
    throttle = Throttle(addresses=50, overall=30)
    for n in range(5_000):
        throttle.tried(f"10.0.{n // 250}.{n % 250}", T0 + timedelta(hours=n))
        throttle.passed(f"10.1.{n // 250}.{n % 250}")
        throttle.tried(f"10.2.{n // 250}.{n % 250}", T0 + timedelta(hours=n))
    assert (len(throttle._tries), len(throttle._known), len(throttle._all)) == (50, 50, 30)


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.tried("203.0.113.7", T0)
    assert throttle.wait("203.0.113.7", T0 - timedelta(days=300)) <= timedelta(seconds=4)


def test_a_session_ends_after_its_time(house: House) -> None:
    visitor = enter(house)
    kept = dict(visitor.client.cookies)
    house.wait(12 * 3600 - 1)
    assert visitor.get("/", headers={"cookie": f"bridge_session={kept['bridge_session']}"}).status_code == 200
    house.wait(2)
    # The browser has dropped its cookie by now; whoever kept it gets nothing for it.
    assert visitor.get("/", headers={"cookie": f"bridge_session={kept['bridge_session']}"}).status_code == 303


def test_after_logging_out_the_old_cookie_is_worth_nothing_even_after_a_restart(house: House) -> None:
    visitor = enter(house)
    cookie = visitor.client.cookies["bridge_session"]
    answer = visitor.post("/logout", {"form": visitor.token("/")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "bridge_session" not in visitor.client.cookies
    for again in (visitor, Visitor(house)):
        assert again.get("/", headers={"cookie": f"bridge_session={cookie}"}).status_code == 303


def test_a_restart_logs_nobody_out_and_a_new_password_everybody(house: House) -> None:
    cookie = {"cookie": f"bridge_session={enter(house).client.cookies['bridge_session']}"}
    assert Visitor(house).get("/", headers=cookie).status_code == 200
    object.__setattr__(house.app.loaded.config.web, "password", hash_password("another password"))
    assert Visitor(house).get("/", headers=cookie).status_code == 303


def test_a_login_gives_a_new_session_so_that_none_can_be_planted(house: House) -> None:
    visitor = Visitor(house)
    visitor.get("/login")
    before = visitor.client.cookies["bridge_session"]
    assert visitor.log_in().status_code == 303
    assert visitor.client.cookies["bridge_session"] != before
    assert Visitor(house).get("/", headers={"cookie": f"bridge_session={before}"}).status_code == 303


def test_no_cookie_can_be_made_or_changed_by_anybody_else(house: House) -> None:
    ours = sessions(house)
    session = ours.begin(logged_in=False)
    cookie = ours.cookie(session)
    assert ours.read(cookie) == session
    for changed in (
        "",
        "x",
        cookie[:-1],
        cookie[1:],
        cookie.swapcase(),
        f"{cookie}x",
        cookie.partition(".")[0],
        "\u00e9" * 40,
        "." * 9,
    ):
        assert ours.read(changed) is None, changed
    house.app.database.write(lambda connection: notes.set_meta(connection, "web.key", "of somebody else"))
    theirs = sessions(house)
    forged = Session(id="x", form="x", until=2**40, logged_in=True)
    assert ours.read(theirs.cookie(forged)) is None


FORGED = [
    ({"form": ""}, {}, 403),
    ({"form": "guessed"}, {}, 403),
    ({"form": "\u00e9"}, {}, 403),
    ({}, {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, 403),
    ({}, {"sec-fetch-site": "same-site", "origin": "https://shop.example"}, 403),
    ({}, {"sec-fetch-site": "none"}, 403),
    ({}, {"sec-fetch-site": "", "origin": "https://evil.example"}, 403),
    ({}, {"sec-fetch-site": "", "origin": "null"}, 403),
    ({}, {"sec-fetch-site": "", "origin": "http://127.0.0.1.evil.example"}, 403),
    ({}, {"content-type": "application/json"}, 415),
    ({}, {"content-type": "text/plain"}, 415),
]


@pytest.mark.parametrize("path", ["/approve", "/retry", "/logout", "/login"])
@pytest.mark.parametrize(("fields", "headers", "status"), FORGED)
def test_a_form_that_is_not_ours_does_nothing(
    house: House, path: str, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    visitor = Visitor(house) if path == "/login" else enter(house)
    token = visitor.token("/login" if path == "/login" else "/")
    form = {"form": token, "channel": "shop", "id": "all", "password": PASSWORD, **fields}
    answer = visitor.post(path, form, **headers)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers or path == "/login"
    assert visitor.get("/").status_code == (303 if path == "/login" else 200)
    assert house.poked == 0
    assert not read(answer.text).problems


def test_another_sessions_form_is_not_ours_either(house: House) -> None:
    mine, theirs = enter(house), enter(house)
    answer = mine.post("/retry", {"form": theirs.token("/"), "id": "all"})
    assert answer.status_code == 403
    assert house.poked == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 70_000, 413),
        (b"form=%FF%FE", 400),
        (b"\xff\xfe", 400),
        (b"form=a&form=b", 400),
        (b"&".join(b"a%d=1" % n for n in range(60)), 400),
    ],
)
def test_a_form_that_no_browser_sends_is_refused(house: House, body: bytes, status: int) -> None:
    visitor = enter(house)
    kind = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    answer = house.run(visitor.client.post("/retry", content=body, headers=kind))
    assert answer.status_code == status
    assert house.poked == 0


def test_a_form_that_does_not_arrive_is_not_waited_for(house: House) -> None:
    visitor = enter(house)

    async def slow() -> None:
        sent: list[int] = []

        async def receive() -> dict[str, object]:
            await never()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                sent.append(int(str(message["status"])))

        headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"cookie", cookie.encode())]
        scope = {
            "type": "http", "method": "POST", "path": "/retry", "raw_path": b"/retry", "query_string": b"", "headers": headers,
            "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": "", "http_version": "1.1",
        }  # fmt: skip
        await house.web()(scope, receive, send)  # type: ignore[arg-type]
        assert sent == [408]

    cookie = f"bridge_session={visitor.client.cookies['bridge_session']}"
    began = house.loop.time()
    house.run(slow())
    assert house.loop.time() - began == pytest.approx(10)


async def never() -> None:
    """Wait for what never comes."""
    import asyncio

    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("https://bridge.example", True),
        ("http://bridge.example", False),
        ("https://bridge.example.evil.example", False),
        ("http://10.0.0.5:8470", True),
        ("http://10.0.0.5", False),
        ("null", False),
        ("", False),
    ],
)
def test_where_a_form_comes_from(origin: str, ours: bool) -> None:
    assert from_here({"origin": origin, "host": "10.0.0.5:8470"}, "https://bridge.example") is ours


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "https://evil.example/", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%2f/evil.example",
        "javascript:alert(1)", "/logout", "orders", "//evil.example/orders", "/orders/../..//evil.example", "http://[", "",
        "https:/orders", "\t//evil.example", "/orders\r\nlocation: x",
    ],
)  # fmt: skip
def test_no_login_leads_anywhere_else(house: House, target: str) -> None:
    assert stays_here(target, frozenset({"/", "/orders"})) in {"/", "/orders"}
    visitor = Visitor(house)
    answer = visitor.post("/login", {"form": visitor.token("/login"), "password": PASSWORD, "next": target})
    assert answer.status_code == 303
    assert answer.headers["location"] in {"/", "/orders"}


def test_a_page_that_does_not_exist_leads_to_the_login_and_nowhere_else(house: House) -> None:
    visitor = Visitor(house)
    answer = visitor.get("http://127.0.0.1//evil.example/x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2F%2Fevil.example%2Fx"
    assert visitor.log_in(to="//evil.example/x").headers["location"] == "/"
    answer = visitor.get("/nowhere")
    assert answer.status_code == 404
    assert "there is no such page" in read(answer.text).text


def test_a_token_with_the_scope_reads_pages_and_does_nothing_else(house: House) -> None:
    visitor = Visitor(house)
    bearer = {"authorization": f"Bearer {TOKENS['reader']}"}
    answer = visitor.get("/orders", headers=bearer)
    assert answer.status_code == 200
    assert "Log out" not in answer.text
    assert "set-cookie" not in answer.headers
    for path in ("/approve", "/retry", "/logout"):
        assert visitor.post(path, {"form": "", "channel": "shop", "id": "all"}, **bearer).status_code == 403
    assert house.poked == 0


@pytest.mark.parametrize(
    ("header", "status", "said"),
    [
        (f"Bearer {TOKENS['till-2']}", 403, 'add "read" to its scopes'),
        ("Bearer wrong", 401, "bridge token"),
        ("Bearer ", 401, "bridge token"),
        (f"Basic {TOKENS['reader']}", 401, "bridge token"),
        (TOKENS["reader"], 401, "bridge token"),
    ],
)
def test_a_token_that_may_not_look_is_told_why(house: House, header: str, status: int, said: str) -> None:
    answer = Visitor(house).get("/orders", headers={"authorization": header})
    assert answer.status_code == status
    page = read(answer.text)
    assert not page.problems
    assert said in page.text
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_token_is_found_by_its_hash_alone() -> None:
    tokens = [TokenTable(name=name, hash=token_hash(name * 3), scopes=["read"]) for name in ("a", "b", "c")]
    assert [token_of(tokens, f"bearer {name * 3}") for name in ("a", "b", "c")] == tokens
    assert token_of(tokens, f"Bearer {tokens[0].hash}") is None
    assert token_of([], "Bearer aaa") is None


HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize("path", [*PAGES, "/login", "/nowhere", "/static/bridge.css", "/static/none.css"])
def test_every_answer_carries_the_headers_that_protect_it(house: House, path: str) -> None:
    for visitor in (Visitor(house), enter(house)):
        answer = visitor.get(path)
        assert HEADERS.items() <= dict(answer.headers).items()
        kept = answer.status_code == 200 and path.startswith("/static")
        assert answer.headers["cache-control"] == ("public, max-age=31536000, immutable" if kept else "no-store")
