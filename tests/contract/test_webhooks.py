"""The webhook port: whom it believes, what it makes of what it hears, and the subscriptions it keeps in order."""

import base64
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.contract.errors import BridgeError, TryLater
from bridge.contract.webhooks import Delivery, Hint
from bridge.domain.catalog import StockKey
from tests.contract.bench import Bench, good, tail
from tests.contract.mailbox import SECRET, URL, Mailbox

pytestmark = [pytest.mark.anyio, pytest.mark.offers("webhooks")]

DAY = 24 * 3600
KINDS = {"order", "stock", "product", "ticket", "channel", "privacy", "nothing"}
fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
async def mail(bench: Bench) -> AsyncIterator[Mailbox]:
    """An address that is subscribed to everything, on a shop with two products."""
    await bench.seed(good("TEE", stock=10), good("CAP", stock=4))
    mailbox = Mailbox(bench)
    await mailbox.open()
    yield mailbox
    await bench.platform.courier.stop()


@pytest.fixture
async def letter(mail: Mailbox) -> Delivery:
    """A genuine delivery about a sale, or about what else the platform tells of."""
    await mail.event()
    told = {"order"} if "sale" in mail.bench.facts.tells else {"stock", "product", "channel"}
    return next(one for one in mail.letters if any(hint.kind in told for hint in mail.port.parse(one)))


# Whom it believes


async def test_what_the_platform_sends_is_genuine(mail: Mailbox) -> None:
    await mail.event()
    assert {mail.port.verify(one, mail.secrets) for one in mail.letters} == {"genuine"}


@pytest.mark.where("not queue")
async def test_any_changed_byte_is_forged(mail: Mailbox, letter: Delivery) -> None:
    size = len(letter.body)
    places = {0, 1, size - 2, size - 1, *range(0, size, max(1, size // 200))}
    for place in sorted(places):
        changed = bytearray(letter.body)
        changed[place] ^= 1
        assert mail.port.verify(replace(letter, body=bytes(changed)), mail.secrets) == "forged", place


@pytest.mark.where("not queue")
async def test_a_body_cut_short_or_longer_or_empty_is_forged(mail: Mailbox, letter: Delivery) -> None:
    for body in (b"", letter.body[:-1], letter.body[1:], letter.body + b" ", letter.body * 2):
        assert mail.port.verify(replace(letter, body=body), mail.secrets) == "forged", body[:20]


@pytest.mark.where("shared_secret")
async def test_a_secret_of_somebody_else_makes_it_forged(mail: Mailbox, letter: Delivery) -> None:
    (first, *_) = mail.secrets
    for secrets in ((), ("",), ("wrong",), (first[:-1],), (first + "x",), (first.upper() + "x",)):
        assert mail.port.verify(letter, secrets) == "forged", secrets


@pytest.mark.where("shared_secret")
async def test_an_empty_secret_opens_no_door(mail: Mailbox, letter: Delivery) -> None:
    """Anybody can sign with an empty key: one that is not set yet must not be one."""
    assert mail.port.verify(letter, ("", *mail.secrets)) == "genuine"
    by_anybody = _signed_with("", mail, letter)
    assert by_anybody.headers != letter.headers
    assert mail.port.verify(by_anybody, ("",)) == "forged"
    assert mail.port.verify(by_anybody, ("", *mail.secrets)) == "forged"


@pytest.mark.where("shared_secret")
async def test_while_secrets_change_old_and_new_both_hold(mail: Mailbox, letter: Delivery) -> None:
    assert mail.port.verify(letter, ("the-new-one", *mail.secrets)) == "genuine"
    assert mail.port.verify(letter, (*mail.secrets, "the-old-one")) == "genuine"
    assert mail.port.verify(letter, ("the-new-one", "the-old-one")) == "forged"


@pytest.mark.where("not queue")
async def test_without_its_headers_it_is_forged(mail: Mailbox, letter: Delivery) -> None:
    assert mail.port.verify(replace(letter, headers={}), mail.secrets) == "forged"
    needed = [
        name
        for name in letter.headers
        if mail.port.verify(replace(letter, headers=_without(letter.headers, name)), mail.secrets) == "forged"
    ]
    assert needed, "one header at least carries the proof"


@pytest.mark.where("not queue")
@pytest.mark.parametrize("odd", ["", " ", "é", "\udc80", "=" * 44, "A" * 5000, "\x00"])
async def test_an_odd_signature_is_forged(mail: Mailbox, letter: Delivery, odd: str) -> None:
    for name in letter.headers:
        changed = replace(letter, headers={**letter.headers, name: odd})
        assert mail.port.verify(changed, mail.secrets) in {"genuine", "forged"}, name
    assert mail.port.verify(replace(letter, headers=dict.fromkeys(letter.headers, odd)), mail.secrets) == "forged"


@pytest.mark.where("signs_url")
async def test_sent_to_another_address_it_is_forged(mail: Mailbox, letter: Delivery) -> None:
    for url in ("", URL + "/", URL.replace("https", "http"), URL.upper(), "https://elsewhere.example/", "\ud800"):
        assert mail.port.verify(replace(letter, url=url), mail.secrets) == "forged", url


@pytest.mark.where("not queue")
@fuzzed
@given(body=st.binary(max_size=300), headers=st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=5))
def test_nothing_made_up_is_believed(bench: Bench, body: bytes, headers: dict[str, str]) -> None:
    port = Mailbox(bench).port
    assert port.verify(Delivery(body=body, headers=headers, url=URL), ("a-secret", "another")) in {"forged", "greeting"}
    signed = dict.fromkeys(headers, "x" * 44)
    body = json.dumps({"id": 17, "type": "order.updated"}).encode()
    assert port.verify(Delivery(body=body, headers=signed, url=URL), ("a-secret",)) == "forged"


@pytest.mark.where("greets")
async def test_a_greeting_is_known_as_one_and_names_nothing(mail: Mailbox) -> None:
    greetings = [one for one in mail.got if mail.port.verify(one, mail.secrets) == "greeting"]
    assert greetings
    for one in greetings:
        assert mail.port.verify(one, ()) == "greeting", "it needs no secret"
        assert {hint.kind for hint in mail.port.parse(one)} <= {"nothing", "channel"}


@pytest.mark.where("not greets")
async def test_a_subscription_alone_brings_no_mail(mail: Mailbox) -> None:
    assert mail.got == []


# What it makes of what it hears


@pytest.mark.where("tells_sale")
async def test_a_sale_is_a_hint_at_an_order_that_is_there(mail: Mailbox) -> None:
    order = await mail.sale("TEE", 2)
    ids = {hint.id for hint in mail.hints if hint.kind == "order"}
    found = [await mail.bench.sales.get(one) for one in sorted(ids)]
    assert {one.id for one in found} == ids == {tail(order)}


@pytest.mark.where("tells_refund")
async def test_a_refund_is_a_hint_at_the_order_that_holds_it(mail: Mailbox) -> None:
    order = await mail.sale("TEE", 2)
    mail.got.clear()
    await mail.bench.wait(60)
    mail.bench.shop.refund(order, [{"sku": "TEE", "quantity": 1}])
    await mail.hear()
    ids = {hint.id for hint in mail.hints if hint.kind == "order"}
    found = [await mail.bench.sales.get(one) for one in sorted(ids)]
    assert any((one.id != tail(order)) == mail.bench.facts.refund_is_order for one in found)


@pytest.mark.where("tells_count")
async def test_a_count_is_a_hint_at_the_number_or_at_what_holds_it(mail: Mailbox) -> None:
    await mail.count("CAP", 7)
    product, variant = await mail.bench.variant("CAP")
    telling = [hint for hint in mail.hints if hint.kind in {"stock", "product", "channel"}]
    assert telling
    for hint in telling:
        if hint.kind == "stock":
            key = StockKey(hint.id, hint.location or mail.bench.home)
            assert key == StockKey(variant.stock_id or "", mail.bench.home)
            (level,) = await mail.bench.connector.stock.read([key])
            assert level.quantity == 7
        elif hint.kind == "product":
            assert hint.id in {product.id, variant.id}


@pytest.mark.where("tells_edit")
async def test_an_edited_product_is_a_hint_at_it_or_at_the_channel(mail: Mailbox) -> None:
    await mail.edit("CAP", title="Another title")
    product, _ = await mail.bench.variant("CAP")
    assert product.title == "Another title"
    telling = {(hint.kind, hint.id) for hint in mail.hints} & {("product", product.id), ("channel", "")}
    assert telling


async def test_a_hint_says_when_it_happened_if_the_delivery_does(mail: Mailbox) -> None:
    before = mail.bench.loop.now()
    await mail.event()
    times = [hint.at for hint in mail.hints if hint.at is not None]
    assert all(-1 <= (at - before).total_seconds() <= 120 for at in times)
    assert all(at.tzinfo is not None for at in times)


async def test_a_hint_names_no_topic_but_those_asked_for(mail: Mailbox) -> None:
    await mail.event()
    assert mail.hints
    assert {hint.topic for hint in mail.hints} <= {"", *mail.port.topics}


async def test_reading_twice_reads_the_same_and_asks_nobody(mail: Mailbox, letter: Delivery) -> None:
    mail.bench.wire.calls.clear()
    first = list(mail.port.parse(letter))
    assert first == list(mail.port.parse(letter))
    assert mail.bench.wire.calls == []


async def test_a_body_that_is_none_is_a_hint_at_the_whole_channel(mail: Mailbox, letter: Delivery) -> None:
    """It was signed by the platform, so something happened: what, only the feeds can tell."""
    for body in (b"<html>Oops</html>", letter.body[:-1], b"\xff\xfe", b"[]", b"17", b"null", b'"text"', b"{" * 10_000):
        (hint,) = mail.port.parse(replace(letter, body=body))
        assert hint.kind == "channel", body[:20]


@fuzzed
@given(
    body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(st.text(max_size=30), st.text(max_size=40), max_size=4),
    url=st.text(max_size=40),
)
def test_no_delivery_breaks_it(bench: Bench, body: bytes, headers: dict[str, str], url: str) -> None:
    found = Mailbox(bench).port.parse(Delivery(body=body, headers=headers, url=url))
    assert all(isinstance(hint, Hint) and hint.kind in KINDS for hint in found)


@fuzzed
@given(data=st.data())
def test_no_twist_of_a_real_delivery_breaks_it(letter: Delivery, mail: Mailbox, data: st.DataObject) -> None:
    body = json.loads(letter.body)
    for _ in range(data.draw(st.integers(1, 3))):
        _twist(body, data)
    header = data.draw(st.sampled_from(sorted(letter.headers)))
    odd = {**letter.headers, header: data.draw(st.sampled_from([*mail.port.topics, "", "a.b", "x/y", "\x00"]))}
    delivery = replace(letter, body=json.dumps(body).encode(), headers=odd)
    found = mail.port.parse(delivery)
    assert all(hint.kind in KINDS for hint in found)
    assert all(hint.id for hint in found if hint.kind in {"order", "stock", "product"})
    assert mail.port.verify(delivery, mail.secrets) == "forged" or delivery.body == letter.body


# The subscriptions it keeps


@pytest.mark.where("subscribes")
async def test_the_list_shows_address_topics_and_that_they_are_on(mail: Mailbox) -> None:
    ours = await mail.ours()
    assert {topic for one in ours for topic in one.topics} == set(mail.port.topics)
    assert all(one.active and one.id and one.url == mail.url and one.failures == 0 for one in ours)
    assert len({one.id for one in ours}) == len(ours)


@pytest.mark.where("subscribes")
async def test_nobody_listens_before_it_is_asked_to(bench: Bench) -> None:
    mail = Mailbox(bench)
    assert mail.port.topics
    assert await mail.ours() == []
    assert bench.connector.webhooks is not None
    assert set(mail.port.secrets) <= set(bench.platform.credentials.values())


@pytest.mark.where("subscribes")
async def test_subscribing_twice_makes_no_second(mail: Mailbox) -> None:
    before = await mail.ours()
    again = await mail.port.subscribe(mail.port.topics, mail.url, SECRET)
    assert {one.id for one in again} == {one.id for one in before}
    assert {one.id for one in await mail.ours()} == {one.id for one in before}


@pytest.mark.where("subscribes")
async def test_another_connector_finds_what_this_one_made(mail: Mailbox) -> None:
    """A bridge that was installed anew, or restored, takes over its old subscriptions."""
    restarted = mail.bench.connect().webhooks
    assert restarted is not None
    before = await mail.ours()
    again = await restarted.subscribe(restarted.topics, mail.url, SECRET)
    assert {one.id for one in again} == {one.id for one in before} == {one.id for one in await mail.ours()}


@pytest.mark.where("subscribes")
async def test_somebody_elses_subscription_is_left_alone(mail: Mailbox) -> None:
    other = mail.url + "-of-somebody-else"
    await mail.port.subscribe(mail.port.topics, other, SECRET)
    both = await mail.port.subscriptions()
    assert {one.url for one in both} == {mail.url, other}
    for one in await mail.ours():
        await mail.port.unsubscribe(one.id)
    left = await mail.port.subscriptions()
    assert {one.id for one in left} == {one.id for one in both if one.url == other}


@pytest.mark.where("subscribes")
async def test_a_lost_answer_leaves_one_subscription(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    mail = Mailbox(bench)
    mail.listen()
    bench.fault("cut_after", "subscribe", times=None)
    with pytest.raises(TryLater):
        await mail.port.subscribe(mail.port.topics, mail.url, SECRET)
    assert bench.platform.faults.struck
    bench.platform.faults.clear()
    ours = await mail.open()
    assert Counter(topic for one in ours for topic in one.topics) == Counter(mail.port.topics)
    await mail.event()
    assert {mail.port.verify(one, mail.secrets) for one in mail.letters} == {"genuine"}


@pytest.mark.where("subscribes")
async def test_one_lost_answer_is_got_over_and_doubles_nothing(bench: Bench) -> None:
    mail = Mailbox(bench)
    mail.listen()
    bench.fault("cut_after", "subscribe")
    try:
        await mail.port.subscribe(mail.port.topics, mail.url, SECRET)
    except TryLater:
        await mail.port.subscribe(mail.port.topics, mail.url, SECRET)
    assert bench.platform.faults.struck == 1
    assert Counter(topic for one in await mail.ours() for topic in one.topics) == Counter(mail.port.topics)


@pytest.mark.where("subscribes")
async def test_taking_back_twice_is_fine(mail: Mailbox) -> None:
    ours = await mail.ours()
    for _ in range(2):
        for one in ours:
            await mail.port.unsubscribe(one.id)
    assert await mail.ours() == []


@pytest.mark.where("subscribes")
async def test_after_it_was_taken_back_nothing_comes(mail: Mailbox) -> None:
    for one in await mail.ours():
        await mail.port.unsubscribe(one.id)
    await mail.event()
    assert mail.got == []


@pytest.mark.where("subscribes")
async def test_taken_back_and_made_again_it_works(mail: Mailbox) -> None:
    for one in await mail.ours():
        await mail.port.unsubscribe(one.id)
    assert {topic for one in await mail.open() for topic in one.topics} == set(mail.port.topics)
    await mail.event()
    assert {mail.port.verify(one, mail.secrets) for one in mail.letters} == {"genuine"}


@pytest.mark.where("switches_off")
@pytest.mark.where("subscribes")
async def test_what_the_platform_switched_off_is_mended(mail: Mailbox) -> None:
    mail.status = 500
    mail.bench.shop.count("TEE", 100)
    for _ in range(25):
        await mail.event()
        await mail.bench.wait(DAY)
    mail.status = 200
    on = {topic for one in await mail.ours() if one.active for topic in one.topics}
    assert on < set(mail.port.topics), "a platform that is refused for weeks switches something off"
    mended = [await mail.port.mend(one, SECRET) for one in await mail.ours() if not one.active]
    assert all(one.active for one in mended)
    ours = await mail.open()
    assert Counter(topic for one in ours if one.active for topic in one.topics) == Counter(mail.port.topics)
    await mail.event()
    assert {mail.port.verify(one, mail.secrets) for one in mail.letters} == {"genuine"}


# What nobody may see


async def test_no_secret_is_in_a_repr(mail: Mailbox, letter: Delivery) -> None:
    texts = f"{mail.port!r} {await mail.port.subscriptions()!r} {letter!r} {mail.bench.connector!r}"
    assert not any(secret in texts for secret in (*mail.secrets, SECRET))


@pytest.mark.where("subscribes")
@pytest.mark.parametrize("kind", ["status", "html", "invalid_json", "cut_before", "cut_after"])
async def test_no_secret_is_in_an_error(mail: Mailbox, kind: str) -> None:
    for one in await mail.ours():
        await mail.port.unsubscribe(one.id)
    mail.bench.fault(kind, "subscribe", times=None)
    with pytest.raises(BridgeError) as caught:
        await mail.port.subscribe(mail.port.topics, mail.url, SECRET)
    text = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert not any(secret in text for secret in (*mail.secrets, SECRET))
    assert caught.value.where == "the-channel"


@pytest.mark.where("subscribes")
async def test_a_trouble_while_listing_is_named_and_not_taken_for_none(mail: Mailbox) -> None:
    mail.bench.fault("status", times=None)
    with pytest.raises(TryLater) as caught:
        await mail.port.subscriptions()
    assert "webhook" in caught.value.what.lower()


def _signed_with(secret: str, mail: Mailbox, letter: Delivery) -> Delivery:
    """Sign it with another secret: base64 of an HMAC-SHA256 over the body, where the platform has no way of its own."""
    if mail.bench.facts.resign is not None:
        return mail.bench.facts.resign(letter, secret)
    message = (letter.url.encode() if mail.bench.facts.signs_url else b"") + letter.body

    def sign(key: str) -> str:
        return base64.b64encode(hmac.digest(key.encode(), message, "sha256")).decode()

    theirs = {sign(one) for one in mail.secrets}
    return replace(letter, headers={n: sign(secret) if v in theirs else v for n, v in letter.headers.items()})


def _without(headers: Any, name: str) -> dict[str, str]:
    return {one: value for one, value in headers.items() if one != name}


def _twist(body: Any, data: st.DataObject) -> None:
    """Put something odd somewhere into a document."""
    while isinstance(body, dict | list) and body:
        key: Any = data.draw(st.sampled_from(sorted(body))) if isinstance(body, dict) else len(body) - 1
        inner = body[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            body[key] = data.draw(json_values)
            return
        body = inner
