"""How news arrives where it is not simply sent to an address: tried addresses, fetched keys, and queues."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.contract.webhooks import Delivery, HandshakePort, QueuePort
from tests.contract.bench import Bench, good, tail
from tests.contract.mailbox import SECRET, URL, Mailbox

pytestmark = [pytest.mark.anyio, pytest.mark.offers("webhooks")]

# Longer than a queue hides a message that somebody has taken.
HIDDEN = 12 * 3600.0 + 60


@pytest.fixture
async def mail(bench: Bench) -> AsyncIterator[Mailbox]:
    """An address that is subscribed to everything, on a shop with one product."""
    await bench.seed(good("TEE", stock=10))
    mailbox = Mailbox(bench)
    await mailbox.open()
    yield mailbox
    await bench.platform.courier.stop()


@pytest.fixture
def handshake(bench: Bench) -> HandshakePort:
    """The handshake port; only for tests marked `offers("handshake")`."""
    assert bench.connector.handshake is not None
    return bench.connector.handshake


@pytest.fixture
def queue(bench: Bench) -> QueuePort:
    """The queue port; only for tests marked `offers("queue")`."""
    assert bench.connector.queue is not None
    return bench.connector.queue


@pytest.mark.offers("handshake")
async def test_a_question_that_is_none_is_not_answered(bench: Bench, handshake: HandshakePort) -> None:
    for query in ({}, {"colour": "red"}, {"": ""}):
        assert handshake.answer(query, URL) is None
    assert bench.wire.calls == []


@pytest.mark.offers("handshake")
async def test_without_the_right_answer_there_is_no_subscription(mail: Mailbox) -> None:
    """`open` subscribed, so the platform was answered: it had asked."""
    assert await mail.ours()
    for one in await mail.ours():
        await mail.port.unsubscribe(one.id)
    mail.bench.platform.courier.ask = _nobody
    with pytest.raises(Exception, match=r"(?i)address|endpoint|challenge|url"):
        await mail.port.subscribe(mail.port.topics, "https://elsewhere.example/hooks/the-channel", SECRET)


async def _nobody(url: str) -> tuple[int, bytes]:
    return 404, b""


@pytest.mark.offers("handshake")
async def test_a_key_is_fetched_once(mail: Mailbox, handshake: HandshakePort) -> None:
    await mail.event()
    letter = mail.letters[-1]
    mail.bench.wire.calls.clear()
    assert not await handshake.learn(letter)
    assert mail.port.verify(letter, mail.secrets) == "genuine"
    assert mail.bench.wire.calls == []


@pytest.mark.offers("handshake")
async def test_a_restarted_connector_learns_the_key_again(mail: Mailbox) -> None:
    await mail.event()
    letter = mail.letters[-1]
    fresh = mail.bench.connect()
    assert fresh.webhooks is not None
    assert fresh.handshake is not None
    assert fresh.webhooks.verify(letter, mail.secrets) == "forged", "what cannot be checked is not believed"
    assert await fresh.handshake.learn(letter)
    assert fresh.webhooks.verify(letter, mail.secrets) == "genuine"


@pytest.mark.offers("handshake")
@pytest.mark.parametrize("odd", ["", "é", "=" * 44, "e30=", "A" * 5000])
async def test_whoever_names_a_key_at_random_costs_a_call_a_minute(
    mail: Mailbox, handshake: HandshakePort, odd: str
) -> None:
    await mail.event()
    letter = mail.letters[-1]
    mail.bench.wire.calls.clear()
    for _ in range(3):
        for name in letter.headers:
            forged = replace(letter, headers={**letter.headers, name: odd})
            await handshake.learn(forged)
            assert name.startswith("x-") is False or mail.port.verify(forged, mail.secrets) in {"genuine", "forged"}
    assert len(mail.bench.wire.calls) <= 1


@pytest.mark.offers("queue")
async def test_an_empty_queue_says_so_in_time(bench: Bench, queue: QueuePort) -> None:
    before = bench.loop.time()
    assert list(await queue.receive()) == []
    assert bench.loop.time() - before <= 30


@pytest.mark.offers("queue")
async def test_a_message_tells_of_what_happened(mail: Mailbox) -> None:
    order = await mail.sale("TEE")
    assert {hint.id for hint in mail.hints if hint.kind == "order"} == {tail(order)}


@pytest.mark.offers("queue")
async def test_a_message_that_was_not_deleted_comes_again(mail: Mailbox, queue: QueuePort) -> None:
    mail.bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    await mail.bench.wait(120)
    first = await queue.receive()
    assert first
    await mail.bench.wait(HIDDEN)
    again = await queue.receive()
    assert _bodies(again) == _bodies(first)
    await queue.delete([one.receipt for one in again])
    await queue.delete([one.receipt for one in again])
    await mail.bench.wait(HIDDEN)
    assert list(await queue.receive()) == []


def _bodies(messages: object) -> list[bytes]:
    assert isinstance(messages, list | tuple)
    return sorted(one.delivery.body for one in messages)


@pytest.mark.offers("queue")
async def test_deleting_nothing_asks_nobody(bench: Bench, queue: QueuePort) -> None:
    await queue.delete([])
    assert bench.wire.calls == []


@pytest.mark.offers("queue")
async def test_what_is_in_the_queue_is_genuine(mail: Mailbox) -> None:
    await mail.event()
    assert {mail.port.verify(one, ()) for one in mail.letters} == {"genuine"}
    odd = Delivery(body=b"not ours", headers={}, url=mail.url)
    (hint,) = mail.port.parse(odd)
    assert hint.kind == "channel"
