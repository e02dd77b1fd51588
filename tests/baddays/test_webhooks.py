"""Webhooks as a merchant meets them: `bridge webhooks`, the three platforms that deliver, and the endpoint between."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.app import App
from bridge.app.wiring import channel_of
from bridge.config import load
from bridge.contract.webhooks import Hint
from bridge.engine.inbox import Inbox
from bridge.store import deliveries
from bridge.store.tables import hook_secrets
from bridge.webserver.server import build
from bridge.webserver.web import Health, Web
from tests.baddays.crashes import distinct, end_everywhere
from tests.baddays.day import PLATFORMS, Day, good
from tests.webserver.hookhouse import call

PUBLIC = "https://bridge.example"


class Daemon:
    """The daemon's web server on the day's database. The platforms reach it at the public address, and nowhere else."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.app = App.open(load(day.config))
        ports = {}
        for name in day.platforms:
            channel, _ = channel_of(self.app.loaded, name, day.surroundings())
            assert channel.connector.webhooks is not None
            ports[name] = channel.connector.webhooks
        self.ports = ports
        self.inbox = Inbox(self.app.database, ports, day.loop.now, lambda _: None, threads=False)
        self.server = build(Web(app=self.app, inbox=self.inbox, health=Health, poke=lambda: None))
        self.answers: dict[str, list[int]] = {name: [] for name in ports}
        self.up = True
        for platform in day.platforms.values():
            platform.courier.post = self.deliver

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Carry one delivery, as the proxy before the daemon does."""
        assert url.startswith(PUBLIC)
        path = url.removeprefix(PUBLIC)
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            assert not sent
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        status = (await call(self.server, receive, path, raw))[0] if self.up else 502
        self.answers[path.removeprefix("/hooks/")].append(status)
        return status

    def hints(self, name: str) -> list[Hint]:
        """What the stored deliveries of a channel say, oldest first."""
        stored = self.app.database.read(lambda connection: deliveries.waiting(connection, name))
        return [hint for one in stored for hint in self.ports[name].parse(one.delivery)]

    def close(self) -> None:
        self.day.loop.run_until_complete(self.inbox.close())
        self.app.close()


def reachable(day: Day) -> Day:
    """Give the bridge a public address, and open the ledger."""
    day.extra += f'[daemon]\npublic_url = "{PUBLIC}"\n'
    day.write_config()
    day.seed(good("TEE"), good("MUG", stock=8))
    day.truth = {"TEE": 10, "MUG": 8}
    day.opened()
    return day


@pytest.fixture
def open_day(day: Day) -> Day:
    return reachable(day)


@pytest.fixture
def serving() -> Iterator[Callable[[Day], Daemon]]:
    """Starts daemons' web servers, and closes them."""
    made: list[Daemon] = []

    def start(day: Day) -> Daemon:
        made.append(Daemon(day))
        return made[-1]

    yield start
    for one in made:
        one.close()


def told(day: Day, *words: str, code: int = 0) -> dict[str, Any]:
    """Ask `bridge webhooks`, and return the report of each channel."""
    said = day.bridge("webhooks", *words, "--json")
    assert said.code == code, said.text
    return {one["channel"]: one for one in json.loads(said.out)["channels"]}


def complete(day: Day) -> list[str]:
    """Say what is not as it should be: every topic told, once, by an active subscription, and its secret known."""
    found = [] if day.bridge("webhooks").code == 0 else ["bridge webhooks is not content"]
    for name, one in told(day).items():
        report = one["report"]
        topics = [topic for hook in report["hooks"] for topic in hook["topics"]]
        if report["missing"] or report["double"] or len(topics) != len(set(topics)):
            found.append(f"{name}: {report}")
    return found


def repaired(day: Day) -> list[str]:
    """Repair, and say what is not as it should be afterwards."""
    assert day.bridge("webhooks", "--repair").code == 0
    return complete(day)


def sells(day: Day, name: str, sku: str = "TEE") -> str:
    """Sell where somebody listens: deliveries leave in the loop."""

    async def sale() -> str:
        return day.sells(name, sku)

    return day.run(sale())


def test_without_a_public_address_it_says_what_to_do(day: Day) -> None:
    said = day.bridge("webhooks")
    assert said.code == 3
    assert "daemon.public_url is not set, so no platform can reach the bridge: it only polls" in said.err
    assert 'next: put public_url = "https://bridge.example" under [daemon]' in said.err


def test_looking_is_for_everybody_changing_for_adopted_channels_only(day: Day) -> None:
    day.extra += f'[daemon]\npublic_url = "{PUBLIC}"\n'
    day.write_config()
    assert day.bridge("webhooks").code == 1
    said = day.bridge("webhooks", "--repair")
    assert said.code == 3
    assert "no channel is adopted yet" in said.err
    assert all(len(one["report"]["hooks"]) == 0 for one in told(day, code=1).values())
    assert day.bridge("webhooks", "shp").code == 2


def test_repair_subscribes_everywhere_and_tells_no_secret(open_day: Day) -> None:
    day = open_day
    said = day.bridge("webhooks")
    assert said.code == 1
    assert "Next: `bridge webhooks --repair`" in said.out
    repaired = day.bridge("webhooks", "--repair")
    assert repaired.code == 0, repaired.text
    assert complete(day) == []
    text = repaired.text + day.bridge("webhooks", "--json").text
    with day.database() as database:
        secrets = database.read(lambda connection: connection.execute(sa.select(hook_secrets.c.secret)).scalars().all())
    assert secrets
    assert not any(secret in text for secret in secrets)


def test_every_platform_is_heard_through_the_endpoint(open_day: Day, serving: Callable[[Day], Daemon]) -> None:
    day, daemon = open_day, serving(open_day)
    assert day.bridge("webhooks", "--repair").code == 0
    orders = {name: sells(day, name) for name in PLATFORMS}
    day.wait(120)
    for name in PLATFORMS:
        assert daemon.answers[name]
        assert set(daemon.answers[name]) == {200}
        hinted = {hint.id for hint in daemon.hints(name) if hint.kind == "order"}
        # A stand-in names its order by number or by address (gid://...), the connector by one of the two.
        assert orders[name].rpartition("/")[2] in {one.rpartition("/")[2] for one in hinted}
    shown = told(day)
    assert all(one["received_at"] and one["waiting"] for one in shown.values())
    assert "deliveries stored and not looked at yet" in day.bridge("webhooks").out


def test_a_new_secret_while_deliveries_are_under_way(open_day: Day, serving: Callable[[Day], Daemon]) -> None:
    day, daemon = open_day, serving(open_day)
    day.bridge("webhooks", "--repair")
    courier = day.platforms["woocommerce"].courier
    for _ in range(4):
        sells(day, "woocommerce")
    day.wait(1)
    # What has left already comes a day late, signed as it was when it left.
    letters: list[tuple[str, Mapping[str, str], bytes]] = []

    async def held(url: str, headers: Mapping[str, str], body: bytes) -> int:
        letters.append((url, headers, body))
        return 200

    courier.post = held
    sells(day, "woocommerce", "MUG")
    day.wait(120)
    assert letters
    courier.post = daemon.deliver
    assert day.bridge("webhooks", "woocommerce", "--rotate").code == 0

    async def late() -> list[int]:
        return [await daemon.deliver(*letter) for letter in letters]

    day.wait(23 * 3600)
    assert set(day.run(late())) == {200}
    sells(day, "woocommerce", "MUG")
    day.wait(2 * 3600)
    assert set(daemon.answers["woocommerce"]) == {200}
    assert set(day.run(late())) == {401}
    sells(day, "woocommerce", "MUG")
    day.wait(120)
    assert daemon.answers["woocommerce"][-1] == 200
    assert complete(day) == []


def test_where_the_platform_chooses_a_person_must_rotate(open_day: Day) -> None:
    day = open_day
    day.bridge("webhooks", "--repair")
    for name in ("shopify", "square"):
        said = day.bridge("webhooks", name, "--rotate")
        assert said.code == 3
        assert f"{name} chooses the webhook secret itself" in said.out
        assert f"[channels.{name}]" in said.out


async def back(day: Day, name: str, order: str) -> None:
    """Refund what was sold and put it back on the shelf."""
    day.shop(name).refund(order, [{"sku": "MUG", "quantity": 1}])


def test_what_the_platforms_gave_up_while_we_were_away_comes_back(
    open_day: Day, serving: Callable[[Day], Daemon]
) -> None:
    day, daemon = open_day, serving(open_day)
    day.bridge("webhooks", "--repair")
    daemon.up = False
    for _ in range(10):
        for name in PLATFORMS:
            order = sells(day, name, "MUG")
            day.run(back(day, name, order))
        day.wait(8 * 3600)
    daemon.up = True
    report = told(day, code=1)
    # WooCommerce switches them off, Shopify deletes them.
    assert "order.updated" in report["woocommerce"]["report"]["missing"]
    assert not all(hook["active"] for hook in report["woocommerce"]["report"]["hooks"])
    assert "orders/create" in report["shopify"]["report"]["missing"]
    repaired = told(day, "--repair")
    assert "order.updated" in repaired["woocommerce"]["report"]["mended"]
    assert "orders/create" in repaired["shopify"]["report"]["created"]
    assert complete(day) == []
    for answers in daemon.answers.values():
        answers.clear()
    for name in PLATFORMS:
        sells(day, name, "MUG")
    day.wait(300)
    assert all(200 in answers and 401 not in answers for answers in daemon.answers.values())


def test_killed_anywhere_in_a_repair_and_repaired_again(open_day: Day) -> None:
    outcomes = end_everywhere(
        open_day, ["webhooks", "--repair"], between=lambda _: None, look=repaired, points=distinct
    )
    assert len(outcomes) > 10
    assert not [one for one in outcomes if one.problems], [one for one in outcomes if one.problems]


def test_a_lost_answer_makes_no_double(open_day: Day) -> None:
    day = open_day
    for name in PLATFORMS:
        day.fault(name, "cut_after", times=4, chance=0.5)
    for _ in range(4):
        day.bridge("webhooks", "--repair")
        day.wait(60)
    assert repaired(day) == []


def test_one_platform_that_is_down_keeps_nobody_else_from_being_repaired(open_day: Day) -> None:
    day = open_day
    day.fault("shopify", "status", status=503, times=None)
    found = told(day, "--repair", code=1)
    assert "503" in found["shopify"]["error"]
    assert found["woocommerce"]["ok"]
    assert found["square"]["ok"]
    assert not found["shopify"]["needs_person"]


def test_credentials_that_are_refused_are_for_a_person(open_day: Day) -> None:
    day = open_day
    day.channels["woocommerce"]["consumer_secret"] = "cs_" + "0" * 40
    day.write_config()
    said = day.bridge("webhooks", "woocommerce")
    assert said.code == 3
    assert "woocommerce: " in said.out
    assert "  next: " in said.out


def test_an_old_address_is_told_and_left(open_day: Day) -> None:
    day = open_day
    day.bridge("webhooks", "--repair")
    day.extra = day.extra.replace(PUBLIC, "https://new.example")
    day.write_config()
    report = told(day, "--repair")
    for name, one in report.items():
        (finding,) = one["report"]["findings"]
        assert f"{PUBLIC}/hooks/{name}: an old address of this bridge" in finding
        assert one["report"]["created"]
    assert all(one["report"]["others"] > 0 for one in told(day).values())


def test_forged_deliveries_of_every_platform(open_day: Day, serving: Callable[[Day], Daemon]) -> None:
    day, daemon = open_day, serving(open_day)
    day.bridge("webhooks", "--repair")
    taken: list[tuple[str, Mapping[str, str], bytes]] = []

    async def taken_down(url: str, headers: Mapping[str, str], body: bytes) -> int:
        if not body.startswith(b"webhook_id="):  # a greeting, answered whoever sends it
            taken.append((url, headers, body))
        return await daemon.deliver(url, headers, body)

    for platform in day.platforms.values():
        platform.courier.post = taken_down
    for name in PLATFORMS:
        sells(day, name)
    day.wait(120)

    async def again() -> list[int]:
        answers = []
        for url, headers, body in taken:
            other = next(f"{PUBLIC}/hooks/{name}" for name in PLATFORMS if not url.endswith(name))
            answers += [await daemon.deliver(url, headers, body.replace(b"1", b"2") + b" ")]
            answers += [await daemon.deliver(other, headers, body)]
        return answers

    before = {name: len(daemon.hints(name)) for name in PLATFORMS}
    assert set(day.run(again())) == {401}
    assert {name: len(daemon.hints(name)) for name in PLATFORMS} == before
    assert day.run(daemon.deliver(*taken[-1])) == 200
