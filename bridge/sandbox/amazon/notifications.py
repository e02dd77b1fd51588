"""Notifications v1: destinations (grantless), subscriptions (the seller's), and the messages that go into the queue."""

import re
from dataclasses import dataclass
from datetime import datetime

from bridge.sandbox.amazon.errors import AmazonError, invalid
from bridge.sandbox.amazon.sqs import Queue
from bridge.sandbox.amazon.state import State
from bridge.sandbox.amazon.values import Json, stamp

BY_QUEUE = (
    "ORDER_CHANGE",
    "FEED_PROCESSING_FINISHED",
    "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "REPORT_PROCESSING_FINISHED",
)
BY_BUS = ("LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE")
_ARN = re.compile(r"^arn:aws:sqs:\S+:\S+:\S+$")
_LOWER = ("FEED_PROCESSING_FINISHED",)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One notification type to one destination."""

    id: str
    kind: str
    destination: str
    version: str

    def view(self) -> Json:
        """Return it as the API shows it."""
        return {"subscriptionId": self.id, "payloadVersion": self.version, "destinationId": self.destination}


class Notifications:
    """Who wants to hear of what."""

    def __init__(self, state: State, queue: Queue) -> None:
        self.state = state
        self.queue = queue
        self.destinations: dict[str, Json] = {}
        self.subscriptions: dict[str, Subscription] = {}
        state.told.append(self.tell)

    def list_destinations(self) -> Json:
        """Answer getDestinations."""
        return {"payload": list(self.destinations.values())}

    def add_destination(self, body: Json) -> Json:
        """Answer createDestination: one per queue."""
        arn = ((body.get("resourceSpecification") or {}).get("sqs") or {}).get("arn")
        if not body.get("name") or not isinstance(arn, str) or not _ARN.match(arn):
            raise invalid("Invalid destination: name and an SQS ARN are needed.")
        if any(one["resource"]["sqs"]["arn"] == arn for one in self.destinations.values()):
            raise AmazonError(409, "ResourceAlreadyExists", "A destination with this resource exists already.")
        made = {"destinationId": self.state.ids.uuid(), "name": body["name"], "resource": {"sqs": {"arn": arn}}}
        self.destinations[made["destinationId"]] = made
        return {"payload": made}

    def drop_destination(self, destination_id: str) -> Json:
        """Answer deleteDestination."""
        if self.destinations.pop(destination_id, None) is None:
            raise AmazonError(404, "NotFound", f"Destination {destination_id} does not exist.")
        return {}

    def read(self, kind: str) -> Json:
        """Answer getSubscription: the one of this type."""
        self._known(kind)
        found = [one for one in self.subscriptions.values() if one.kind == kind]
        if not found:
            raise AmazonError(404, "NotFound", f"No subscription of type {kind} exists.")
        return {"payload": found[0].view()}

    def subscribe(self, kind: str, body: Json) -> Json:
        """Answer createSubscription: one per application, type and payload version."""
        self._known(kind)
        if kind in BY_BUS:
            raise invalid(f"{kind} can only be sent to Amazon EventBridge.")
        destination, version = str(body.get("destinationId") or ""), str(body.get("payloadVersion") or "")
        if destination not in self.destinations or not version:
            raise invalid("Invalid destinationId or payloadVersion.")
        if any(one.kind == kind and one.version == version for one in self.subscriptions.values()):
            raise AmazonError(409, "ResourceAlreadyExists", f"A subscription of type {kind} exists already.")
        made = Subscription(self.state.ids.uuid(), kind, destination, version)
        self.subscriptions[made.id] = made
        return {"payload": made.view()}

    def drop(self, kind: str, subscription_id: str) -> Json:
        """Answer deleteSubscriptionById."""
        found = self.subscriptions.get(subscription_id)
        if found is None or found.kind != kind:
            raise AmazonError(404, "NotFound", f"Subscription {subscription_id} does not exist.")
        del self.subscriptions[subscription_id]
        return {}

    def tell(self, kind: str, payload: Json, at: datetime) -> None:
        """Put a notification into the queue of everybody who subscribed to it."""
        for one in self.subscriptions.values():
            if one.kind == kind and self.destinations.get(one.destination, {}).get("resource") == self._resource():
                self.queue.put(self._message(one, payload, at))

    def _resource(self) -> Json:
        return {"sqs": {"arn": self.queue.arn}}

    def _message(self, subscription: Subscription, payload: Json, at: datetime) -> Json:
        """Older types begin their names with small letters (schemas/notifications of the model repository)."""
        names = [
            "NotificationVersion",
            "NotificationType",
            "PayloadVersion",
            "EventTime",
            "Payload",
            "NotificationMetadata",
        ]
        inner = ["ApplicationId", "SubscriptionId", "PublishTime", "NotificationId"]
        if subscription.kind in _LOWER:
            names, inner = [_small(name) for name in names], [_small(name) for name in inner]
        told = ["amzn1.sellerapps.app.sandbox", subscription.id, stamp(at), self.state.ids.uuid()]
        meta = dict(zip(inner, told, strict=True))
        return dict(zip(names, ["1.0", subscription.kind, "1.0", stamp(at), payload, meta], strict=True))

    def _known(self, kind: str) -> None:
        if kind not in BY_QUEUE and kind not in BY_BUS:
            raise invalid(f"Invalid notificationType: {kind}.")


def _small(name: str) -> str:
    return name[0].lower() + name[1:]
