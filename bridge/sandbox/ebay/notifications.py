"""The Notification API: destinations, subscriptions, keys, and signed deliveries.

Sources: commerce_notification specification 1.6.7; developer.ebay.com/develop/guides (three attempts, ECC signature);
eBay/event-notification-nodejs-sdk (header, digest).
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.errors import EbayError
from bridge.sandbox.ebay.state import Json, State, stamp
from bridge.sandbox.kit.courier import Parcel

__all__ = [
    "KEY_ID", "create_destination", "create_subscription", "delete_destination", "delete_subscription", "get_config", "get_topic",
    "list_destinations", "list_subscriptions", "list_topics", "public_key", "put_config", "put_destination", "sign", "switch",
    "telling",
]  # fmt: skip

KEY_ID = "9936261a-7d7b-4621-a0f1-96ccb428af49"
TOPICS: dict[str, str] = {
    "ORDER_CONFIRMATION": "USER",
    "ITEM_MARKED_SHIPPED": "USER",
    "MARKETPLACE_ACCOUNT_DELETION": "APPLICATION",
}
RETRIES = (60.0, 300.0)
# Which run of failed deliveries marks a destination down is documented nowhere.
PATIENCE = 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,80}")


def _refusal(status: int, number: int, message: str) -> EbayError:
    return EbayError(status, number, message, domain="API_NOTIFICATION")


def get_config(state: State, _: Call) -> Answer:
    """getConfig."""
    if not state.config:
        raise _refusal(404, 195026, "Configuration Not Found.")
    return Answer(state.config)


def put_config(state: State, call: Call) -> Answer:
    """updateConfig: an address for alerts."""
    if "@" not in str(call.body.get("alertEmail")):
        raise _refusal(400, 195025, "Invalid or missing alert email.")
    state.config = {"alertEmail": call.body["alertEmail"]}
    return Answer(None, 204)


def list_topics(_: State, call: Call) -> Answer:
    """getTopics."""
    del call
    return Answer({"topics": [_topic(name) for name in TOPICS], "total": len(TOPICS), "limit": 20, "href": ""})


def get_topic(_: State, call: Call) -> Answer:
    """getTopic."""
    if call.parts[0] not in TOPICS:
        raise _refusal(404, 195002, "The specified topic id is invalid.")
    return Answer(_topic(call.parts[0]))


def _topic(name: str) -> Json:
    payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
    return {
        "topicId": name, "description": name, "status": "ENABLED", "context": "COMMERCE", "scope": TOPICS[name],
        "filterable": False, "supportedPayloads": [payload],
    }  # fmt: skip


def list_destinations(state: State, _: Call) -> Answer:
    """getDestinations; the failures that are counted are nobody else's business."""
    rows = [{k: v for k, v in one.items() if not k.startswith("_")} for one in state.destinations.values()]
    return Answer(
        {"destinations": rows, "total": len(rows), "limit": 20, "href": "/commerce/notification/v1/destination"}
    )


async def create_destination(state: State, call: Call) -> Answer:
    """createDestination: an alert address must be there first, and the endpoint must pass the challenge."""
    if not state.config:
        raise _refusal(409, 195003, "Please provide configurations required for notifications.")
    made = await _destination(state, call.body)
    if any(
        one["deliveryConfig"]["endpoint"] == made["deliveryConfig"]["endpoint"] for one in state.destinations.values()
    ):
        raise _refusal(409, 195020, "Destination exists for this endpoint.")
    made["destinationId"] = f"dest-{state.number()}"
    state.destinations[made["destinationId"]] = made
    return Answer({}, 201, f"/commerce/notification/v1/destination/{made['destinationId']}")


async def put_destination(state: State, call: Call) -> Answer:
    """updateDestination: MARKED_DOWN is eBay's own word."""
    if call.parts[0] not in state.destinations:
        raise _refusal(404, 195017, "The specified destination does not exist.")
    made = await _destination(state, call.body)
    state.destinations[call.parts[0]] = {**made, "destinationId": call.parts[0]}
    return Answer(None, 204)


async def _destination(state: State, body: Json) -> Json:
    delivery = body.get("deliveryConfig") or {}
    endpoint, token = str(delivery.get("endpoint")), str(delivery.get("verificationToken"))
    if body.get("status") not in {"ENABLED", "DISABLED"}:
        raise _refusal(400, 195018, "Invalid or missing destination status.")
    if not endpoint.startswith("https://"):
        raise _refusal(400, 195016, "Invalid or missing endpoint.")
    if not _TOKEN.fullmatch(token):
        raise _refusal(400, 195019, "Invalid or missing verification token.")
    if state.courier.ask is not None:
        code = f"challenge-{state.number()}"
        status, answer = await state.courier.ask(f"{endpoint}?challenge_code={code}")
        if status != 200 or _response(answer) != hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest():
            raise _refusal(400, 195021, "Challenge verification failed for requested endpoint.")
    return {"name": body.get("name", ""), "status": body["status"], "deliveryConfig": delivery, "_failures": 0}


def _response(answer: bytes) -> Any:
    try:
        return json.loads(answer).get("challengeResponse")
    except (ValueError, AttributeError):
        return None


def delete_destination(state: State, call: Call) -> Answer:
    """deleteDestination: not while subscriptions use it."""
    if any(one["destinationId"] == call.parts[0] for one in state.subscriptions.values()):
        raise _refusal(409, 195022, "Destination is in use by subscriptions.")
    if state.destinations.pop(call.parts[0], None) is None:
        raise _refusal(404, 195017, "The specified destination does not exist.")
    return Answer(None, 204)


def list_subscriptions(state: State, _: Call) -> Answer:
    """getSubscriptions: a user's token and the application's see the same ones (belief)."""
    rows = list(state.subscriptions.values())
    return Answer(
        {"subscriptions": rows, "total": len(rows), "limit": 20, "href": "/commerce/notification/v1/subscription"}
    )


def create_subscription(state: State, call: Call) -> Answer:
    """createSubscription: one a topic and destination; a user's topic needs a user's token."""
    topic, destination = str(call.body.get("topicId")), str(call.body.get("destinationId"))
    if topic not in TOPICS:
        raise _refusal(400, 195008, "Invalid or missing topic id.")
    if destination not in state.destinations:
        raise _refusal(400, 195009, "Invalid or missing destination id.")
    grant = state.grants[call.headers["authorization"].removeprefix("Bearer ")]
    if (TOPICS[topic] == "USER") != (grant.kind == "user"):
        raise _refusal(403, 195011, "Not authorized for this topic.")
    if any(one["topicId"] == topic and one["destinationId"] == destination for one in state.subscriptions.values()):
        raise _refusal(409, 195012, "Subscription exists for this topic and destination.")
    made = {name: call.body[name] for name in ("topicId", "destinationId", "payload", "status")}
    made |= {"subscriptionId": f"sub-{state.number()}", "creationDate": stamp(state.now())}
    state.subscriptions[made["subscriptionId"]] = made
    return Answer({}, 201, f"/commerce/notification/v1/subscription/{made['subscriptionId']}")


def switch(state: State, call: Call, *, on: bool) -> Answer:
    """enableSubscription, disableSubscription."""
    found = state.subscriptions.get(call.parts[0])
    if found is None:
        raise _refusal(404, 195013, "The specified subscription does not exist.")
    found["status"] = "ENABLED" if on else "DISABLED"
    return Answer(None, 204)


def delete_subscription(state: State, call: Call) -> Answer:
    """deleteSubscription."""
    if state.subscriptions.pop(call.parts[0], None) is None:
        raise _refusal(404, 195013, "The specified subscription does not exist.")
    return Answer(None, 204)


def public_key(_: State, call: Call) -> Answer:
    """getPublicKey: the PEM comes on one line."""
    if call.parts[0] != KEY_ID:
        raise _refusal(404, 195001, "The specified key id is invalid.")
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = _key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Answer({"key": pem.replace("\n", ""), "algorithm": "ECDSA", "digest": "SHA1"})


def sign(body: bytes, kid: str = KEY_ID) -> str:
    """Make the header X-EBAY-SIGNATURE for a body."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    signature = _key().sign(body, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - eBay's own choice of digest
    parts = {"alg": "ecdsa", "kid": kid, "signature": base64.b64encode(signature).decode(), "digest": "SHA1"}
    return base64.b64encode(json.dumps(parts).encode()).decode()


def _key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    # Always the same one, so that what a stand-in signed before a restart still holds.
    return ec.derive_private_key(0x1F0E2D3C4B5A69788796A5B4C3D2E1F01234567, ec.SECP256R1())


class _Delivery:
    """One event on its way to one destination."""

    def __init__(self, state: State, destination: Json, topic: str, data: Json) -> None:
        self.state = state
        self.destination = destination
        self.attempt = 0
        self.made = stamp(state.now())
        self.message: Json = {
            "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
            "notification": {"notificationId": f"n-{state.number():08d}", "eventDate": self.made, "data": data},
        }

    def pack(self) -> tuple[Mapping[str, str], bytes]:
        """Write it for the next attempt: the count is part of the body, and signed."""
        self.attempt += 1
        told = {"publishDate": stamp(self.state.now()), "publishAttemptCount": self.attempt}
        body = msgspec.json.encode({**self.message, "notification": {**self.message["notification"], **told}})
        return {"content-type": "application/json", "x-ebay-signature": sign(body)}, body

    def ended(self, status: int) -> float | None:
        """Take the answer; say when to try again. A destination that never takes anything is marked down."""
        if 200 <= status < 300:
            self.destination["_failures"] = 0
            return None
        self.destination["_failures"] += 1
        if self.destination["_failures"] >= PATIENCE:
            self.destination["status"] = "MARKED_DOWN"
        return RETRIES[self.attempt - 1] if self.attempt <= len(RETRIES) else None


def telling(state: State) -> None:
    """Have what happens told to whoever subscribed."""

    def tell(topic: str, data: Json) -> None:
        for one in list(state.subscriptions.values()):
            destination = state.destinations[one["destinationId"]]
            if one["topicId"] == topic and one["status"] == destination["status"] == "ENABLED":
                letter = _Delivery(state, destination, topic, data)
                url = destination["deliveryConfig"]["endpoint"]
                state.courier.send(Parcel(url=url, pack=letter.pack, ended=letter.ended))

    state.tell = tell
