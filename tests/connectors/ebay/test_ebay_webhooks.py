"""Notifications: eBay's signature, its challenge, its destinations, and people who want to be forgotten."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Connector
from bridge.contract.webhooks import Delivery, HandshakePort, WebhookPort
from bridge.sandbox.ebay.notifications import KEY_ID, sign
from tests.connectors.ebay.conftest import House, good

URL = "https://bridge.example/hooks/ebay"
# The example of developer.ebay.com/marketplace-account-deletion ("Notification payload"), shortened.
CLOSED = {
    "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0", "deprecated": False},
    "notification": {
        "notificationId": "49feeaeb-4982-42d9-a377-9645b8479411_33f7e043-fed8-442b-9d44-791923bd9a6d",
        "eventDate": "2021-03-19T20:43:59.462Z", "publishDate": "2021-03-19T20:43:59.679Z", "publishAttemptCount": 1,
        "data": {"username": "test_user", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2PrBmdj6wVnY"},
    },
}  # fmt: skip


def _hooks(connector: Connector) -> WebhookPort:
    assert connector.webhooks is not None
    return connector.webhooks


def _handshake(connector: Connector) -> HandshakePort:
    assert connector.handshake is not None
    return connector.handshake


def _letter(body: object = CLOSED, kid: str = KEY_ID) -> Delivery:
    raw = json.dumps(body).encode()
    return Delivery(body=raw, headers={"x-ebay-signature": sign(raw, kid)}, url=URL)


def _learn(house: House, letter: Delivery, connector: Connector | None = None) -> bool:
    async def learn() -> bool:
        return await _handshake(connector or house.ebay).learn(letter)

    return house.run(learn())


def _keys_asked(house: House) -> int:
    return sum("/public_key/" in path for path in house.wire.paths())


def test_a_letter_is_believed_once_its_key_is_learned_and_only_as_it_was_sent(house: House) -> None:
    letter = _letter()
    assert _hooks(house.ebay).verify(letter, ()) == "forged"
    assert _learn(house, letter)
    assert _hooks(house.ebay).verify(letter, ()) == "genuine"
    for body in (letter.body + b" ", letter.body.replace(b"test_user", b"fest_user"), b""):
        assert _hooks(house.ebay).verify(replace(letter, body=body), ()) == "forged"


def test_raw_bytes_are_what_is_signed_however_they_are_spaced(house: House) -> None:
    """A body written anew (as eBay's own SDK does) would not be this one."""
    raw = json.dumps(CLOSED, indent=3).encode()
    letter = Delivery(body=raw, headers={"x-ebay-signature": sign(raw)}, url=URL)
    _learn(house, letter)
    assert _hooks(house.ebay).verify(letter, ()) == "genuine"


def test_a_key_is_asked_for_once_an_hour(house: House) -> None:
    letter = _letter()
    for wait, asked in ((0, 1), (3000, 1), (700, 2)):
        house.wait(wait)
        _learn(house, letter)
        assert _hooks(house.ebay).verify(letter, ()) == "genuine"
        assert _keys_asked(house) == asked
    house.wait(3700)
    assert _hooks(house.ebay).verify(letter, ()) == "forged", "an old key is learned again first"


def test_a_wrong_key_id_is_forged_and_storms_nobody(house: House) -> None:
    for number in range(200):
        letter = _letter(kid=f"made-up-{number}")
        assert not _learn(house, letter)
        assert _hooks(house.ebay).verify(letter, ()) == "forged"
    assert _keys_asked(house) == 5
    house.wait(61)
    assert _learn(house, _letter()), "a minute later the real key is learned all the same"


def test_one_unknown_id_is_asked_for_once_a_minute(house: House) -> None:
    letter = _letter(kid="made-up")
    for wait in (0, 1, 50, 20):
        house.wait(wait)
        _learn(house, letter)
    assert _keys_asked(house) == 2


@pytest.mark.parametrize("kid", ["../../config", "a/b", "", "é", "x" * 65, 17])
def test_an_id_that_is_none_is_never_asked_for(house: House, kid: Any) -> None:
    header = base64.b64encode(json.dumps({"kid": kid, "signature": "AAAA"}).encode()).decode()
    assert not _learn(house, Delivery(body=b"{}", headers={"x-ebay-signature": header}, url=URL))
    assert house.wire.sent == []


def test_the_challenge_is_answered_with_code_token_and_address_in_this_order(house: House) -> None:
    connector = house.open(verification_token="71745723-d031-455c-bfa5-f90d11b4f20a")
    answer = _handshake(connector).answer(
        {"challenge_code": "a8628072-3d33-45ee-9004-bee86830a22d"}, "http://www.testendpoint.com/webhook"
    )
    # The example of eBay's own SDK (event-notification-nodejs-sdk, test/test.json).
    expected = "ca527df75caa230092d7e90484071e8f05d63068f1317973d6a3a42593734bbb"
    assert json.loads(answer or b"") == {"challengeResponse": expected}


def test_a_restarted_bridge_has_the_same_token_and_nobody_elses(house: House) -> None:
    answers = [_handshake(one).answer({"challenge_code": "c"}, URL) for one in (house.open(), house.open())]
    assert (
        answers[0] == answers[1] != _handshake(house.open(client_secret="another")).answer({"challenge_code": "c"}, URL)
    )


def test_a_person_who_closed_the_account_is_named_by_both_names(house: House) -> None:
    found = _hooks(house.ebay).parse(_letter())
    assert [(one.kind, one.id) for one in found] == [("privacy", "test_user"), ("privacy", "ma8vp1jySJC")]


@pytest.mark.parametrize(
    ("topic", "data", "kinds"),
    [
        ("ORDER_CONFIRMATION", {"order": {"orderId": "12-34567-89012"}}, [("order", "12-34567-89012")]),
        ("ORDER_CONFIRMATION", {"order": {"orderId": "../x"}}, [("channel", "")]),
        ("ITEM_MARKED_SHIPPED", {"orderId": "12-1-2"}, [("order", "12-1-2")]),
        ("ITEM_MARKED_SHIPPED", {}, [("channel", "")]),
        ("FEEDBACK_LEFT", {}, [("nothing", "")]),
        ("", {}, [("channel", "")]),
        ("MARKETPLACE_ACCOUNT_DELETION", {}, []),
    ],
)
def test_topics_say_what_to_look_at(house: House, topic: str, data: Any, kinds: list[tuple[str, str]]) -> None:
    body = {"metadata": {"topic": topic}, "notification": {"data": data, "eventDate": "2026-11-02T08:00:00.000Z"}}
    assert [(one.kind, one.id) for one in _hooks(house.ebay).parse(_letter(body))] == kinds


def _subscribe(house: House, connector: Connector | None = None) -> list[str]:
    async def subscribe() -> list[str]:
        hooks = _hooks(connector or house.ebay)
        return [one.topics[0] for one in await hooks.subscribe(hooks.topics, URL, "not used")]

    return house.run(subscribe())


def test_without_an_alert_address_a_person_is_told_which_setting(house: House) -> None:
    with pytest.raises(NeedsPerson) as caught:
        _subscribe(house, house.open(alert_email=""))
    assert "alert_email" in caught.value.next_step


def test_a_topic_that_the_application_may_not_have_is_done_without(house: House) -> None:

    def refuse(request: Any) -> Any:
        if request.url.path.endswith("/subscription") and b"ITEM_MARKED_SHIPPED" in request.content:
            return httpx.Response(403, json={"errors": [{"errorId": 195011, "message": "Not authorized"}]})
        return None

    house.wire.instead = refuse
    assert sorted(_subscribe(house)) == ["MARKETPLACE_ACCOUNT_DELETION", "ORDER_CONFIRMATION"]


def test_the_address_is_tried_before_it_is_taken(house: House) -> None:
    asked: list[str] = []

    async def ask(url: str) -> tuple[int, bytes]:
        asked.append(url)
        answer = _handshake(house.ebay).answer({"challenge_code": url.partition("=")[2]}, URL)
        return 200, answer or b""

    house.platform.courier.ask = ask
    assert len(_subscribe(house)) == 3
    assert asked[0].startswith(f"{URL}?challenge_code=")


def test_a_destination_that_was_marked_down_is_mended(house: House) -> None:
    _subscribe(house)
    (destination,) = house.state.destinations.values()
    destination["status"] = "MARKED_DOWN"

    async def mend() -> list[bool]:
        hooks = _hooks(house.ebay)
        off = [one for one in await hooks.subscriptions() if not one.active]
        return [(await hooks.mend(one, "")).active for one in off]

    assert house.run(mend()) == [True, True, True]
    assert len(house.state.destinations) == 1


def test_a_buyer_who_closes_the_account_is_told_to_us(house: House) -> None:
    got: list[Delivery] = []

    async def post(url: str, headers: Any, body: bytes) -> int:
        got.append(Delivery(body=body, headers=dict(headers), url=url))
        return 200

    house.platform.courier.post = post
    _subscribe(house)
    house.act(lambda: house.shop.delete_account("bo_buyer", "abc123"))
    house.wait(5)
    (letter,) = got
    _learn(house, letter)
    assert _hooks(house.ebay).verify(letter, ()) == "genuine"
    assert [one.id for one in _hooks(house.ebay).parse(letter)] == ["bo_buyer", "abc123"]


def test_a_delivery_nobody_takes_is_tried_three_times_with_its_count(house: House) -> None:
    got: list[int] = []

    async def post(url: str, headers: Any, body: bytes) -> int:
        got.append(json.loads(body)["notification"]["publishAttemptCount"])
        return 500

    house.platform.courier.post = post
    _subscribe(house)
    house.shop.seed([good("TEE")])
    house.act(lambda: house.shop.sale([{"sku": "TEE", "quantity": 1}]))
    house.wait(1000)
    assert got == [1, 2, 3]


def test_the_token_made_of_the_secret_shows_nothing_of_it(house: House) -> None:
    secret = house.platform.credentials["client_secret"]
    answer = _handshake(house.ebay).answer({"challenge_code": "c"}, URL) or b""
    assert secret not in answer.decode()
    assert hashlib.sha256(f"c{secret}{URL}".encode()).hexdigest() not in answer.decode()
