"""Healing of subscriptions: afterwards every topic is told once, what others have is left alone, and no secret is lost on the way."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.contract.errors import NeedsPerson, Refused, TryLater
from bridge.contract.ports import Connector
from bridge.contract.webhooks import Delivery, Subscription, WebhookPort
from bridge.engine.context import Channel, Context, Rules
from bridge.engine.hooks import HookReport, heal, hook_url, rotate, survey
from bridge.store import hook_secrets, schema
from bridge.store.database import Database
from bridge.store.tables import hook_secrets as secrets_table
from bridge.store.tables import meta
from tests.engine.hookport import HookPort
from tests.unit.make import T0

PUBLIC = "https://bridge.example"
URL = "https://bridge.example/hooks/shop"
OLD = "https://bridge-of-old.example/hooks/shop"
OTHER = "https://mail-tool.example/in"
TOPICS = ("order.created", "order.updated", "product.updated")


class Bench:
    """A channel whose platform is `port`, and a bridge beside it."""

    def __init__(self, database: Database, port: HookPort) -> None:
        self.database = database
        self.port = port
        self.time = T0
        self.context = Context(
            database=database, channels={}, rules=Rules(), now=self.now, sleep=asyncio.sleep, rng=random.Random(1)
        )

    def now(self) -> datetime:
        return self.time

    def run(self, flow: Callable[..., Any] = heal, port: WebhookPort | None = None) -> HookReport:
        """Heal, or do another of the flows, and check that nothing of it tells a secret."""
        ports: dict[str, Any] = dict.fromkeys(("limits", "account", "catalog", "stock", "orders"))
        connector = Connector(platform="sample", webhooks=port or cast(WebhookPort, self.port), **ports)
        report: HookReport = asyncio.run(flow(self.context, Channel(name="shop", connector=connector), PUBLIC))
        told = repr(report) + msgspec.json.encode(report).decode()
        assert not any(secret in told for secret in self.secrets)
        return report

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.database.read(lambda connection: hook_secrets.secrets(connection, "shop", self.time))

    @property
    def at_ours(self) -> list[Subscription]:
        return [one for one in self.port.kept.values() if one.url == URL]

    def told(self) -> list[str]:
        """Which topics are told to us, as often as they are."""
        return sorted(topic for one in self.at_ours if one.active for topic in one.topics)

    def verifies(self) -> bool:
        """Whether what each subscription of ours sends is believed."""
        return all(self._believed(one.id) for one in self.at_ours)

    def _believed(self, name: str) -> bool:
        delivery = Delivery(body=b"{}", headers=self.port.signed(b"{}", name), url=URL)
        return self.port.verify(delivery, (*self.port.secrets, *self.secrets)) == "genuine"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path: Path = tmp_path_factory.mktemp("hooks") / "bridge.db"
    opened = Database(str(path))
    schema.ensure(opened)
    yield opened
    opened.close()


def begin(database: Database, **port: Any) -> Bench:
    """Begin with nothing known."""
    database.write(lambda connection: connection.execute(secrets_table.delete()))
    database.write(lambda connection: connection.execute(meta.delete().where(meta.c.name.like("hooks:%"))))
    return Bench(database, HookPort(**port))


@pytest.fixture
def bench(database: Database) -> Bench:
    return begin(database)


@pytest.mark.parametrize(
    ("public_url", "channel", "url"),
    [
        ("https://bridge.example", "shop", URL),
        ("https://bridge.example/", "shop", URL),
        ("https://example.org/tools/bridge", "till-2", "https://example.org/tools/bridge/hooks/till-2"),
        ("https://bridge.example", "café", "https://bridge.example/hooks/caf%C3%A9"),
    ],
)
def test_the_address_of_a_channel(public_url: str, channel: str, url: str) -> None:
    assert hook_url(public_url, channel) == url


def test_the_first_healing_subscribes_to_everything(bench: Bench) -> None:
    report = bench.run()
    assert (report.created, report.mended, report.removed, report.missing, report.findings) == (TOPICS, (), (), (), ())
    assert report.ok
    assert [one.topics for one in report.hooks] == [("order.created",), ("order.updated",), ("product.updated",)]
    assert bench.told() == sorted(TOPICS)
    assert len(bench.secrets) == 1
    assert len(bench.secrets[0]) >= 32
    assert bench.verifies()


def test_healing_what_is_well_costs_one_call(bench: Bench) -> None:
    bench.run()
    secrets = bench.secrets
    bench.port.calls.clear()
    report = bench.run()
    assert bench.port.calls == ["list"]
    assert (report.created, report.mended, report.removed, report.ok) == ((), (), (), True)
    assert bench.secrets == secrets


def test_the_secret_is_kept_before_the_platform_hears_of_it(bench: Bench) -> None:
    kept: list[tuple[str, ...]] = []

    class Watched(HookPort):
        async def subscribe(self, topics: Any, url: str, secret: str) -> Any:
            kept.append(bench.secrets)
            assert secret == bench.secrets[0]
            return await HookPort.subscribe(self, topics, url, secret)

    bench.port = Watched()
    bench.run()
    assert kept == [bench.secrets]


def test_a_lost_answer_makes_no_double(bench: Bench) -> None:
    bench.port.after["subscribe"] = TryLater("no answer came back", maybe_applied=True)
    with pytest.raises(TryLater):
        bench.run()
    bench.port.after.clear()
    report = bench.run()
    assert report.created == ()
    assert bench.told() == sorted(TOPICS)
    assert len(bench.secrets) == 1
    assert bench.verifies()


@pytest.mark.parametrize("call", ["list", "subscribe", "mend", "unsubscribe"])
@pytest.mark.parametrize("error", [TryLater("unwell"), NeedsPerson("no scope", next_step="grant it")])
def test_what_a_platform_says_travels_up(bench: Bench, call: str, error: Exception) -> None:
    bench.port.put([TOPICS[0]], URL, active=False)
    bench.port.put([TOPICS[1]], URL)
    bench.port.put([TOPICS[1]], URL)
    bench.port.before[call] = error  # type: ignore[assignment]
    with pytest.raises(type(error)) as caught:
        bench.run()
    assert caught.value is error
    bench.port.before.clear()
    assert bench.run().ok
    assert bench.verifies()


def test_what_was_switched_off_is_switched_on(bench: Bench) -> None:
    bench.run()
    off = bench.at_ours[1]
    bench.port.kept[off.id] = _off(off)
    looked = bench.run(survey)
    assert looked.missing == ("order.updated",)
    assert not looked.ok
    report = bench.run()
    assert (report.mended, report.created, report.ok) == (("order.updated",), (), True)
    assert bench.told() == sorted(TOPICS)
    assert bench.verifies()


def _off(one: Subscription) -> Subscription:
    return Subscription(id=one.id, topics=one.topics, url=one.url, active=False, failures=6, secret=one.secret)


def test_one_that_is_gone_when_it_is_to_be_mended_is_made_anew(bench: Bench) -> None:
    bench.run()
    off = bench.at_ours[0]

    class Stale(HookPort):
        async def subscriptions(self) -> Any:
            return [_off(off), *(await HookPort.subscriptions(self))]

    gone = Stale(
        kept={name: one for name, one in bench.port.kept.items() if name != off.id}, signs=bench.port.signs, _number=9
    )
    bench.port = gone
    report = bench.run()
    assert (report.created, report.mended) == ((TOPICS[0],), ())
    assert bench.told() == sorted(TOPICS)


def test_doubles_of_ours_go_and_those_of_others_stay(bench: Bench) -> None:
    bench.run()
    bench.port.put([TOPICS[0]], URL, failures=3)
    bench.port.put([TOPICS[0]], URL, active=False)
    bench.port.put([TOPICS[0]], OTHER)
    bench.port.put([TOPICS[0]], OTHER)
    looked = bench.run(survey)
    assert (looked.double, looked.others) == ((TOPICS[0], TOPICS[0]), 2)
    report = bench.run()
    assert (report.removed, report.others) == ((TOPICS[0], TOPICS[0]), 2)
    assert bench.told() == sorted(TOPICS)
    assert [one.url for one in bench.port.kept.values()].count(OTHER) == 2
    assert report.findings == ()


def test_a_topic_that_nobody_wants_is_left_alone(bench: Bench) -> None:
    bench.port.put(["coupon.created"], URL)
    report = bench.run()
    assert report.ok
    assert next(one.topics for one in bench.at_ours) == ("coupon.created",)


def test_an_old_address_is_reported_and_not_removed(bench: Bench) -> None:
    bench.port.put([TOPICS[0]], OLD)
    bench.port.put([TOPICS[1]], OLD)
    bench.port.put([TOPICS[1]], OTHER)
    report = bench.run()
    assert report.findings == (
        f"2 subscriptions send to {OLD}: an old address of this bridge, or another bridge; delete them there if nobody listens",
    )
    assert len([one for one in bench.port.kept.values() if one.url == OLD]) == 2


def test_what_the_platform_will_not_do_is_for_a_person(bench: Bench) -> None:
    bench.port.before["subscribe"] = Refused("topics: order.created is not of your plan")
    report = bench.run()
    assert report.missing == TOPICS
    assert report.findings == (f"{', '.join(TOPICS)}: topics: order.created is not of your plan",)
    bench.port.before["mend"] = Refused("not now")
    bench.port.put([TOPICS[0]], URL, active=False)
    assert "order.created could not be switched on: not now" in bench.run().findings


def test_a_subscription_that_somebody_made_by_hand_gets_our_secret(bench: Bench) -> None:
    bench.run()
    bench.port.kept.pop(bench.at_ours[0].id)
    bench.port.put([TOPICS[0]], URL, secret="typed by a person")
    assert not bench.verifies()
    looked = bench.run(survey)
    assert (looked.unsigned, looked.missing, looked.ok) == ((TOPICS[0],), (), False)
    report = bench.run()
    assert (report.signed, report.mended, report.unsigned, report.ok) == ((TOPICS[0],), (), (), True)
    assert bench.verifies()


def test_a_lost_database_has_everything_signed_anew(bench: Bench, database: Database) -> None:
    bench.run()
    fresh = begin(database)
    fresh.port = bench.port
    report = fresh.run()
    assert (report.signed, report.created) == (TOPICS, ())
    assert fresh.verifies()
    assert len(fresh.at_ours) == 3


def test_a_platform_that_chooses_the_secret_tells_it(database: Database) -> None:
    bench = begin(database, one_for_all=True, chooses="chosen by the platform")
    report = bench.run()
    assert (report.created, report.ok, len(bench.at_ours)) == (TOPICS, True, 1)
    assert "chosen by the platform" in bench.secrets
    assert bench.verifies()
    bench.time += timedelta(days=2)
    assert bench.secrets == ("chosen by the platform",)
    bench.port.calls.clear()
    bench.run()
    assert bench.port.calls == ["list"]


def test_a_key_that_the_platform_changed_is_learnt(database: Database) -> None:
    bench = begin(database, one_for_all=True, chooses="first key")
    bench.run()
    bench.port.chooses = "second key"
    bench.port.kept["1"] = Subscription(id="1", topics=TOPICS, url=URL, secret="second key")
    bench.port.signs["1"] = "second key"
    bench.run()
    assert bench.verifies()
    assert "first key" in bench.secrets
    bench.time += timedelta(days=2)
    assert bench.secrets == ("second key",)


def test_a_secret_of_the_settings_is_used_and_not_copied(database: Database) -> None:
    bench = begin(database, secrets=("app secret", "the one before"))
    bench.run()
    assert bench.secrets == ()
    assert set(bench.port.signs.values()) == {"app secret"}
    assert bench.verifies()


def test_a_new_secret_and_the_old_one_for_a_day(bench: Bench) -> None:
    bench.run()
    (old,) = bench.secrets
    bench.time += timedelta(days=30)
    report = bench.run(rotate)
    assert (report.signed, report.ok) == (TOPICS, True)
    new, before = list(bench.secrets)
    assert before == old != new
    assert set(bench.port.signs.values()) == {new}
    bench.time += timedelta(hours=23)
    bench.run()
    assert bench.secrets == (new, old)
    bench.time += timedelta(hours=1)
    assert list(bench.secrets) == [new]


def test_a_rotation_that_was_cut_off_is_finished_by_the_next_healing(bench: Bench) -> None:
    bench.run()
    (old,) = bench.secrets

    class Tired(HookPort):
        async def mend(self, subscription: Subscription, secret: str) -> Subscription:
            if self.calls.count("mend") == 1:
                raise TryLater("unwell")
            return await HookPort.mend(self, subscription, secret)

    healthy = bench.port
    bench.port = Tired(kept=healthy.kept, signs=healthy.signs)
    with pytest.raises(TryLater):
        bench.run(rotate)
    new = bench.secrets[0]
    assert set(healthy.signs.values()) == {old, new}
    assert bench.verifies()
    bench.time += timedelta(days=3)
    assert bench.verifies()
    bench.port = healthy
    assert bench.run().signed == TOPICS[1:]
    assert set(healthy.signs.values()) == {new}
    bench.time += timedelta(days=1)
    assert list(bench.secrets) == [new]


@pytest.mark.parametrize("port", [{"secrets": ("in the settings",)}, {"chooses": "the platform's"}])
def test_where_we_cannot_choose_a_person_must(database: Database, port: dict[str, Any]) -> None:
    bench = begin(database, **port)
    bench.run()
    before = (dict(bench.port.signs), bench.secrets)
    with pytest.raises(NeedsPerson) as caught:
        bench.run(rotate)
    assert "chooses the webhook secret itself" in caught.value.what
    assert "[channels.shop]" in caught.value.next_step
    assert (bench.port.signs, bench.secrets) == before


def test_looking_changes_nothing(bench: Bench) -> None:
    bench.port.put([TOPICS[0]], URL, active=False)
    bench.port.put([TOPICS[1]], URL)
    bench.port.put([TOPICS[1]], URL)
    before = dict(bench.port.kept)
    report = bench.run(survey)
    assert (report.missing, report.unsigned, report.double) == ((TOPICS[0], TOPICS[2]), (TOPICS[1],), (TOPICS[1],))
    assert bench.port.calls == ["list"]
    assert (bench.port.kept, bench.secrets) == (before, ())


def test_a_platform_without_webhooks(bench: Bench) -> None:
    ports: dict[str, Any] = dict.fromkeys(("limits", "account", "catalog", "stock", "orders"))
    channel = Channel(name="shop", connector=Connector(platform="sample", **ports))
    with pytest.raises(Refused, match="sample has no webhooks"):
        asyncio.run(heal(bench.context, channel, PUBLIC))


SUBSCRIPTIONS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([*TOPICS, "coupon.created"]), min_size=1, max_size=4, unique=True),
        st.sampled_from([URL, URL, OLD, OTHER]),
        st.booleans(),
        st.integers(0, 9),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=SUBSCRIPTIONS, one_for_all=st.booleans())
def test_whatever_was_there_every_topic_is_told_in_the_end(database: Database, found: Any, one_for_all: bool) -> None:
    bench = begin(database, one_for_all=one_for_all)
    for topics, url, active, failures in found:
        bench.port.put(topics, url, secret="unknown", active=active, failures=failures)
    theirs = {name: one for name, one in bench.port.kept.items() if one.url != URL}
    report = bench.run()
    assert report.ok
    assert set(bench.told()) >= set(TOPICS)
    assert {name: one for name, one in bench.port.kept.items() if one.url != URL} == theirs
    wanted = [one for one in bench.at_ours if set(one.topics) & set(TOPICS)]
    assert all(bench._believed(one.id) for one in wanted)
    # None of them could be spared.
    for one in wanted:
        others = {topic for other in wanted if other is not one for topic in other.topics}
        assert set(one.topics) & set(TOPICS) - others or len(one.topics) > 1
    bench.port.calls.clear()
    bench.run()
    assert bench.port.calls == ["list"]
