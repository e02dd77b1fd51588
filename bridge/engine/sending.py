"""Sends the outbox: each event to each target that wants it, signed, in order for each subject, again until it is taken.

CloudEvents 1.0 in structured JSON (cloudevents/spec, json-format.md), signed as Standard Webhooks says
(standard-webhooks/standard-webhooks, spec/standard-webhooks.md): HMAC-SHA256 over "id.timestamp.body".
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, TryLater
from bridge.engine.context import Context
from bridge.engine.events import Target
from bridge.store import events, notes
from bridge.store.events import Due
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings, retry_after, snippet

__all__ = ["AT_ONCE", "FIRST", "GIVE_UP", "LONGEST", "Sender", "cloud_event", "signature", "signing_key"]

FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)
GIVE_UP = timedelta(days=3)
# Calls to one target at a time. It has 10 seconds to take an event: who needs longer stores it first, as we do with webhooks.
AT_ONCE = 8
TIMEOUT = 10.0
_SECRET_MARK = "whsec_"  # noqa: S105 - the mark before a secret, not one


class Sender:
    """Tells the targets what is due. `run_once` does what can be done now; whoever calls it decides when.

    `source` is the bridge's public URL: what events say where they come from.
    """

    def __init__(self, context: Context, targets: Sequence[Target], around: Surroundings, source: str) -> None:
        self._context = context
        self._lines = [_Line(context, target, _client(target, around), source or "bridge") for target in targets]
        self._begun = False

    async def run_once(self) -> datetime | None:
        """Send what is due to every target; return when to come again (None: when something new has happened)."""
        if not self._begun:
            names = [line.target.name for line in self._lines]
            self._context.database.write(lambda connection: events.forget_others(connection, names))
            self._begun = True
        await asyncio.gather(*(line.send() for line in self._lines))
        # Asked at the end: giving up at one target is an event for the others.
        return min((at for line in self._lines if (at := line.next_at()) is not None), default=None)

    async def close(self) -> None:
        """Close the connections."""
        for line in self._lines:
            await line.http.aclose()


class _Line:
    """The way to one target."""

    def __init__(self, context: Context, target: Target, http: Http, source: str) -> None:
        self.context, self.target, self.http, self.source = context, target, http, source
        self.rests_until: datetime | None = None

    async def send(self) -> None:
        """Send what is due, subject by subject at once, until all is sent or the target is unwell."""
        while not self._rests():
            now = self.context.now()
            batch = self.context.database.read(
                lambda connection, now=now: events.due(connection, self.target.name, now, AT_ONCE)  # type: ignore[misc]
            )
            if not batch:
                break
            await asyncio.gather(*(self._one(event) for event in batch))

    def next_at(self) -> datetime | None:
        """Return when the next event may be sent; None when nothing waits."""
        due = self.context.database.read(lambda connection: events.next_at(connection, self.target.name))
        return due if due is None or self.rests_until is None else max(due, self.rests_until)

    def _rests(self) -> bool:
        return self.rests_until is not None and self.context.now() < self.rests_until

    async def _one(self, event: Due) -> None:
        try:
            answer = await self.http.send(self._request(event))
        except BridgeError as error:
            self._failed(event, error.what, after=error.after if isinstance(error, TryLater) else None, unwell=True)
            return
        if 200 <= answer.status < 300:
            self.context.database.write(lambda connection: events.sent(connection, self.target.name, event.id))
            return
        said = f"HTTP {answer.status}: {answer.redact(snippet(answer.content))}"
        unwell = answer.status >= 500 or answer.status in {408, 429}
        after = retry_after(answer.headers, answer.at) if unwell else None
        self._failed(event, said, after=after, unwell=unwell, for_good=answer.status == 410)

    def _request(self, event: Due) -> Request:
        body = cloud_event(event, self.source)
        at = str(int(self.context.now().timestamp()))
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": _id(event),
            "webhook-timestamp": at,
            "webhook-signature": signature(self.target.secret, _id(event), at, body),
        }
        return Request(method="POST", path=self.target.url, op="tell an event", body=body, headers=headers)

    def _failed(self, event: Due, error: str, *, after: float | None, unwell: bool, for_good: bool = False) -> None:
        now = self.context.now()
        wait = self._wait(event.attempts, after)
        if unwell:
            # The others would meet the same: they wait for one that gets through.
            self.rests_until = max(self.rests_until or now, now + min(wait, FIRST))
        over = for_good or now + wait - event.time > GIVE_UP

        def unit(connection: Connection) -> None:
            events.failed(connection, self.target.name, event.id, None if over else now + wait, error)
            if over:
                self._park(connection, event, error, now)

        self.context.database.write(unit)

    def _wait(self, attempts: int, after: float | None) -> timedelta:
        doubled = min(LONGEST, FIRST * (1 << min(attempts, 20))) * self.context.rng.uniform(0.8, 1.2)
        return max(doubled, min(LONGEST, timedelta(seconds=after or 0)))

    def _park(self, connection: Connection, event: Due, error: str, now: datetime) -> None:
        name = self.target.name
        gone = error.startswith("HTTP 410")
        step = f"take [[events]] {name} out of the config" if gone else f"see to {self.target.url}, then `bridge retry`"
        reason = f"{name} was not told of bridge.{event.type} ({event.subject}): {error}; {step}"
        fresh = notes.park(connection, "event", "", name, reason, now)
        if fresh and self.context.events is not None:
            self.context.events.parked(connection, "event", "", name, reason, now, but=name)


def _client(target: Target, around: Surroundings) -> Http:
    """One attempt a call: the outbox knows better when to try again."""
    once = replace(around, attempts=1, timeout=TIMEOUT)
    free = Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep)
    where = f"events {target.name}"
    return Http(
        once, where=where, base_url=target.url, budget=free, concurrency=AT_ONCE, judge=_any_answer, secrets=(target.secret,)
    )  # fmt: skip


def _any_answer(request: Request, response: Response) -> None:
    """An answer is an answer: what it means for the event is decided here."""
    del request, response


def _id(event: Due) -> str:
    """Never given out twice, also by a database that was begun anew."""
    return f"evt_{event.id}_{int(event.time.timestamp() * 1_000_000):x}"


def cloud_event(event: Due, source: str) -> bytes:
    """Write an event as a structured CloudEvent; the same event is always the same bytes."""
    return msgspec.json.encode(
        {
            "specversion": "1.0", "id": _id(event), "source": source, "type": f"bridge.{event.type}", "subject": event.subject,
            "time": event.time, "datacontenttype": "application/json", "data": event.data,
        }
    )  # fmt: skip


def signing_key(secret: str) -> bytes:
    """Return the key of a secret: the decoded rest of "whsec_...", or the secret's own bytes."""
    if secret.startswith(_SECRET_MARK):
        try:
            return base64.b64decode(secret.removeprefix(_SECRET_MARK), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret: str, event: str, at: str, body: bytes) -> str:
    """Sign an event for a target; `at` is the time of sending, in seconds since 1970."""
    mac = hmac.new(signing_key(secret), f"{event}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"
