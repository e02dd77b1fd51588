"""Webhook subscriptions: one carries all topics to one address, signed with a key that Square makes."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor
from connectors.square.client import Client
from connectors.square.hints import TOPICS, hints
from connectors.square.judge import problems_of
from connectors.square.keys import fitting
from connectors.square.payload import Odd, Payload, names, need, part, rows, text

__all__ = ["Webhooks"]

_PATH = "/v2/webhooks/subscriptions"
_NAME = "commerce-bridge"
_MAX_KEY = 45
_SIGNATURE = "x-square-hmacsha256-signature"
_MADE_BY_HAND = (
    "deliveries signed with `webhook_signature_key` are believed all the same; whether that subscription is on, and has every "
    "event, only the Developer Console shows (Webhooks > Subscriptions)"
)


class Webhooks:
    """The webhooks port. The key is Square's; a subscription made by hand has its key in `webhook_signature_key`."""

    def __init__(self, client: Client, version: str, key: str) -> None:
        self._client = client
        self._version = version
        self.topics: tuple[str, ...] = TOPICS
        self.secrets: tuple[str, ...] = (key,) if key else ()

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signature: HMAC-SHA256 over the public address and the raw body, one behind the other.

        Source: developer.squareup.com/docs/webhooks/step3validate. An empty key is none: anybody could sign with it.
        """
        signed = delivery.url.encode("utf-8", "replace") + delivery.body
        given = delivery.headers.get(_SIGNATURE, "").encode("utf-8", "replace")
        same = [hmac.compare_digest(_signature(secret, signed), given) for secret in secrets if secret]
        return "genuine" if delivery.body and any(same) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at: orders, numbers, or the channel where Square does not say what changed."""
        return hints(delivery.body)

    async def subscriptions(self) -> Sequence[Subscription]:
        """List all subscriptions of the application, those switched off too, each with its key."""
        return [found for row in await self._rows() if (found := await self._whole(row)) is not None]

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Make the one subscription for this address, or mend the one that is there; Square chooses the key itself."""
        del secret
        there = sorted((one for one in await self.subscriptions() if one.url == url), key=lambda one: not one.active)
        return [await self._complete(there[0], topics) if there else await self._create(topics, url)]

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Switch it on and add the topics that it lacks; raises Gone."""
        del secret
        return await self._complete(subscription, self.topics)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete it; gone already is fine."""
        try:
            await self._ask(self._client.delete(f"{_PATH}/{subscription_id}", "delete the webhook subscription"))
        except Gone:
            return

    async def _create(self, topics: Sequence[str], url: str) -> Subscription:
        # The time is part of the key: what was made and deleted before must not be answered again.
        key = fitting(f"{url} {self._client.now().isoformat()} {' '.join(topics)}", _MAX_KEY)
        wanted = {"name": _NAME, "event_types": list(topics), "notification_url": url, "api_version": self._version}
        body = {"idempotency_key": key, "subscription": wanted}
        return await self._write(_PATH, "make the webhook subscription", body, "POST", url)

    async def _complete(self, there: Subscription, topics: Iterable[str]) -> Subscription:
        """Bring it up to what is wanted; topics that somebody added stay."""
        wanted = tuple(dict.fromkeys((*there.topics, *topics)))
        if there.active and wanted == there.topics and there.secret:
            return there
        body = {"subscription": {"enabled": True, "event_types": list(wanted)}}
        changed = await self._write(f"{_PATH}/{there.id}", "change the webhook subscription", body, "PUT", there.url)
        return changed if changed.secret else replace(changed, secret=there.secret or await self._key(there.id))

    async def _write(self, path: str, op: str, body: object, method: str, url: str) -> Subscription:
        payload, _ = await self._ask(self._client.write(path, op, body, method=method), url)
        return self._read(part(payload, "subscription"))

    async def _rows(self) -> list[Payload]:
        async def fetch(cursor: str | None) -> tuple[list[Payload], str | None]:
            params = (("include_disabled", "true"), *((("cursor", cursor),) if cursor else ()))
            payload, _ = await self._ask(self._client.get(_PATH, "list the webhook subscriptions", params))
            return rows(payload, "subscriptions"), text(payload, "cursor") or None

        return [row async for page in by_cursor(fetch) for row in page]

    async def _whole(self, row: Payload) -> Subscription | None:
        """Read a row of the list, which shows no key; None if it is gone by now."""
        found = self._read(row)
        try:
            return found if found.secret else replace(found, secret=await self._key(found.id))
        except Gone:
            return None

    async def _key(self, subscription_id: str) -> str:
        payload, _ = await self._ask(self._client.get(f"{_PATH}/{subscription_id}", "read the webhook subscription"))
        return self._read(part(payload, "subscription")).secret

    def _read(self, row: Payload) -> Subscription:
        secret = text(row, "signature_key")
        self._client.http.redact.add(secret)
        try:
            return Subscription(
                id=str(need(row, "id")),
                topics=tuple(names(row, "event_types")),
                url=text(row, "notification_url"),
                active=row.get("enabled") is not False,
                secret=secret,
            )
        except Odd as error:
            what, step = f"a webhook subscription cannot be read: {error}", "look at it in the Square Developer Console"
            raise Refused(what, where=self._client.where, next_step=step) from error

    async def _ask(self, call: Awaitable[tuple[Payload, Response]], url: str = "") -> tuple[Payload, Response]:
        """Make a call; where the token may not, say what a person can do about it.

        "You cannot use OAuth access tokens with the Webhook Subscriptions API. You must use the application's personal
        access token" (developer.squareup.com/docs/webhooks/webhook-subscriptions-api).
        """
        try:
            return await call
        except NeedsPerson as error:
            if not _is_about_access(error):
                raise
            step = _MADE_BY_HAND if self.secrets else _by_hand(url)
            raise NeedsPerson(error.what, where=error.where, code=error.code, next_step=step) from error.__cause__


def _signature(secret: str, signed: bytes) -> bytes:
    return b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))


def _is_about_access(error: NeedsPerson) -> bool:
    return error.code in {"401", "403"} or any(
        problem.category == "AUTHENTICATION_ERROR" for problem in problems_of(error)
    )


def _by_hand(url: str) -> str:
    address = f" for {url}" if url else ""
    return (
        "only the application's own access token (Developer Console > Credentials) may manage webhooks; or make the "
        f"subscription{address} there by hand (Webhooks > Subscriptions, events: {', '.join(TOPICS)}) and put its "
        "signature key into the channel's `webhook_signature_key`"
    )
