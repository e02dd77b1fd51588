"""Subscriptions are kept in order topic by topic; where no API makes any, a person is told what to enter."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.contract.errors import Gone, NeedsPerson
from bridge.contract.webhooks import Subscription
from bridge.wire.subscribing import EndpointsByHand, TopicByTopic

pytestmark = pytest.mark.anyio
URL = "https://bridge.test/hooks/shop"


class Platform(TopicByTopic):
    def __init__(self, *there: Subscription) -> None:
        super().__init__("shop")
        self.there = {one.id: one for one in there}
        self.acts: list[str] = []

    async def subscriptions(self) -> Sequence[Subscription]:
        return list(self.there.values())

    async def make(self, topic: str, url: str) -> None:
        self.acts.append(f"make {topic}")
        self.there[f"s-{topic}"] = Subscription(id=f"s-{topic}", topics=(topic,), url=url)

    async def enable(self, subscription: Subscription) -> None:
        self.acts.append(f"enable {subscription.id}")
        if subscription.id in self.there:
            self.there[subscription.id] = replace(subscription, active=True)


OTHERS = Subscription(id="others", topics=("orders",), url="https://elsewhere.test")
OFF = Subscription(id="off", topics=("stock",), url=URL, active=False)


async def test_what_is_missing_is_made_and_what_is_off_is_switched_on() -> None:
    platform = Platform(OTHERS, OFF)
    made = await platform.subscribe(("orders", "stock"), URL, "")
    assert platform.acts == ["make orders", "enable off"]
    assert [(one.id, one.active) for one in made] == [("off", True), ("s-orders", True)]
    assert await platform.subscribe(("orders", "stock"), URL, "") == made
    assert len(platform.acts) == 2


async def test_one_that_is_switched_off_is_mended_unless_it_is_gone() -> None:
    platform = Platform(OFF)
    assert (await platform.mend(OFF, "")).active
    with pytest.raises(Gone):
        await platform.mend(OTHERS, "")


async def test_where_no_api_makes_endpoints_a_person_is_told_what_to_enter() -> None:
    port = EndpointsByHand("shop", "Bazaar", "the portal")
    assert await port.subscriptions() == []
    for call in (port.subscribe(("orders",), URL, ""), port.mend(OFF, ""), port.unsubscribe("off")):
        with pytest.raises(NeedsPerson, match="Bazaar") as caught:
            await call
        assert "the portal" in caught.value.next_step


async def test_an_endpoint_whose_secret_is_known_is_not_asked_for_again() -> None:
    port = EndpointsByHand("shop", "Bazaar", "the portal", " whsec ")
    assert (port.secrets, EndpointsByHand("shop", "Bazaar", "the portal").secrets) == (("whsec",), ())
    with pytest.raises(NeedsPerson) as caught:
        await port.subscribe(("orders",), URL, "")
    assert "believed all the same" in caught.value.next_step
