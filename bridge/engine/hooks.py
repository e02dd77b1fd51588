"""Webhook subscriptions: which ones a channel keeps for us, and making them what they should be.

Wanted is one active subscription at our address for each of the port's topics. What others have subscribed to is left alone.
"""

import secrets as randomness
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from urllib.parse import quote

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Subscription, WebhookPort
from bridge.engine.context import Channel, Context
from bridge.store import hook_secrets, notes

__all__ = ["Hook", "HookReport", "heal", "hook_url", "rotate", "survey"]

# A replaced secret is believed for so long: Shopify delivers up to a day late, others sooner.
LATE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A subscription at our address, as a person is told of it."""

    id: str
    topics: tuple[str, ...]
    active: bool
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HookReport:
    """What is subscribed, and what was done about it: topics that were `created`, `mended` (switched on again), `signed` (with a
    secret of ours, where it was another one), `removed` (because told twice).

    `hooks` are those at our `url` at the end; `missing` the topics that nobody tells us of then, `unsigned` those signed with a
    secret that we do not know, `double` those told more than once, `others` how many subscriptions are at other addresses.
    `findings` are for a person.
    """

    channel: str
    url: str
    hooks: tuple[Hook, ...] = ()
    missing: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    double: tuple[str, ...] = ()
    others: int = 0
    created: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every topic is told, once, and can be believed."""
        return not (self.missing or self.unsigned or self.double)


@lru_cache(maxsize=256)
def hook_url(public_url: str, channel: str) -> str:
    """Return the address that a channel's webhooks are sent to."""
    return f"{public_url.rstrip('/')}/hooks/{quote(channel)}"


async def survey(context: Context, channel: Channel, public_url: str) -> HookReport:
    """Look at the channel's subscriptions and change nothing. Raises TryLater, NeedsPerson."""
    hooking = await _looked(context, channel, public_url)
    return hooking.report()


async def heal(context: Context, channel: Channel, public_url: str) -> HookReport:
    """Create what is missing, switch on what is off, remove doubles of ours. Raises TryLater, NeedsPerson.

    Doing it again after an error goes on where it ended: every step begins with what the channel really has.
    """
    hooking = await _looked(context, channel, public_url)
    await hooking.heal()
    return hooking.report()


async def rotate(context: Context, channel: Channel, public_url: str) -> HookReport:
    """Have the channel sign with a new secret; the old one is believed for another day. Raises TryLater, NeedsPerson."""
    hooking = await _looked(context, channel, public_url)
    await hooking.rotate()
    return hooking.report()


async def _looked(context: Context, channel: Channel, public_url: str) -> "_Hooking":
    port = channel.connector.webhooks
    if port is None:
        raise Refused(f"{channel.connector.platform} has no webhooks", where=channel.name)
    queue = channel.connector.queue
    url = hook_url(public_url, channel.name) if queue is None else queue.address
    hooking = _Hooking(context, channel, port, url)
    await hooking.look()
    return hooking


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which subscriptions at our address do the work, which only do it again, and which topics nobody tells."""

    kept: Sequence[Subscription]
    doubles: Sequence[Subscription]
    uncovered: Sequence[str]


def _choose(topics: Sequence[str], ours: Iterable[Subscription]) -> _Choice:
    """Prefer what is active, tells most, and failed least; one that tells nothing we want is neither kept nor double."""
    covered: set[str] = set()
    kept, doubles = [], []
    for one in sorted(ours, key=lambda one: (not one.active, -len(_told(one, topics)), one.failures, *_age(one))):
        told = set(_told(one, topics))
        if told - covered:
            kept.append(one)
            covered |= told
        elif told:
            doubles.append(one)
    return _Choice(kept, doubles, [topic for topic in topics if topic not in covered])


def _told(one: Subscription, topics: Sequence[str]) -> tuple[str, ...]:
    return tuple(topic for topic in topics if topic in one.topics)


def _age(one: Subscription) -> tuple[int, str]:
    """Numbers rise, and longer ones are younger."""
    return len(one.id), one.id


@dataclass(slots=True)
class _Hooking:
    context: Context
    channel: Channel
    port: WebhookPort
    url: str
    ours: dict[str, Subscription] = field(default_factory=dict)
    old: Counter[str] = field(default_factory=Counter)
    others: int = 0
    created: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """See what the channel has."""
        path = hook_url("", self.channel.name)
        for one in await self.port.subscriptions():
            if one.url == self.url:
                self.ours[one.id] = one
                continue
            self.others += 1
            if one.url.endswith(path):
                self.old[one.url] += 1

    async def heal(self) -> None:
        """Make it what it should be: first nothing is missed, then nothing comes twice."""
        self._learn(self.ours.values())
        unsigned = self._unsigned()
        for one in self._choice.kept:
            if not one.active or one in unsigned:
                await self._mend(one)
        if missing := self._choice.uncovered:
            await self._subscribe(missing)
        for one in self._choice.doubles:
            await self._remove(one)
        if not self.refused:
            self.context.database.write(self._retire_others)

    async def rotate(self) -> None:
        """Agree on a new secret. Where it is interrupted, the next healing goes on."""
        if self.port.secrets or any(one.secret for one in self.ours.values()):
            platform = self.channel.connector.platform
            step = f"make a new one there, and put it into [channels.{self.channel.name}] if the old one stands in it"
            raise NeedsPerson(f"{platform} chooses the webhook secret itself", where=self.channel.name, next_step=step)

        def begin(connection: Connection) -> None:
            hook_secrets.keep(connection, self.channel.name, randomness.token_urlsafe(32), self.context.now())
            self._sign(connection, ())

        self.context.database.write(begin)
        await self.heal()

    @property
    def _choice(self) -> _Choice:
        return _choose(self.port.topics, self.ours.values())

    async def _mend(self, one: Subscription) -> None:
        told = ", ".join(_told(one, self.port.topics))
        secret = self._secret()
        try:
            mended = await self.port.mend(one, secret)
        except Gone:
            del self.ours[one.id]
        except Refused as error:
            act = "signed with our secret" if one.active else "switched on"
            self.refused.append(f"{told} could not be {act}: {error.what}")
        else:
            del self.ours[one.id]
            self._have([mended])
            (self.signed if one.active else self.mended).extend(_told(one, self.port.topics))

    async def _subscribe(self, missing: Sequence[str]) -> None:
        secret = self._secret()
        try:
            made = await self.port.subscribe(missing, self.url, secret)
        except Refused as error:
            self.refused.append(f"{', '.join(missing)}: {error.what}")
            return
        self._have(one for one in made if one.url == self.url)
        left = self._choice.uncovered
        self.created.extend(topic for topic in missing if topic not in left)

    async def _remove(self, one: Subscription) -> None:
        try:
            await self.port.unsubscribe(one.id)
        except Refused as error:
            self.refused.append(f"a double of {', '.join(one.topics)} could not be removed: {error.what}")
            return
        del self.ours[one.id]
        self.removed.extend(_told(one, self.port.topics))

    def _have(self, found: Iterable[Subscription]) -> None:
        """Note subscriptions that sign with a secret of ours from now on, at once: the next call may be the one that fails."""
        fresh = {one.id: one for one in found}
        self.ours |= fresh
        self._learn(fresh.values())
        self.context.database.write(lambda connection: self._sign(connection, self._signed(connection) | set(fresh)))

    # Secrets

    def _secret(self) -> str:
        """Return what is to be signed with; a new one is kept before anybody hears of it, so that no delivery is early."""
        if self.port.secrets:
            return self.port.secrets[0]
        if stored := self.context.database.read(self._stored):
            return stored[0]
        secret = randomness.token_urlsafe(32)
        self._keep([secret])
        return secret

    def _learn(self, found: Iterable[Subscription]) -> None:
        """Keep the secrets that the platform tells."""
        stored = self.context.database.read(self._stored)
        self._keep({one.secret for one in found if one.secret} - {*stored, *self.port.secrets})

    def _keep(self, fresh: Collection[str]) -> None:
        def unit(connection: Connection) -> None:
            for secret in sorted(fresh):
                hook_secrets.keep(connection, self.channel.name, secret, self.context.now())

        if fresh:
            self.context.database.write(unit)

    def _stored(self, connection: Connection) -> tuple[str, ...]:
        return hook_secrets.secrets(connection, self.channel.name, self.context.now())

    def _retire_others(self, connection: Connection) -> None:
        """Every subscription signs with the newest secret now, or with the one that the platform told."""
        used = {one.secret for one in self.ours.values() if one.secret} or set(self._stored(connection)[:1])
        hook_secrets.retire_others(connection, self.channel.name, used, self.context.now() + LATE)

    def _unsigned(self) -> list[Subscription]:
        """What we listen to although we could not verify it: somebody made it by hand, or our database was lost."""
        known = self.context.database.read(self._signed)
        return [one for one in self._choice.kept if not (one.id in known or one.secret or self.port.secrets)]

    def _signed(self, connection: Connection) -> set[str]:
        """The ids of the subscriptions that sign with a secret we know: one that somebody else made there does not."""
        text = notes.get_meta(connection, f"hooks:{self.channel.name}")
        return set() if text is None else msgspec.json.decode(text, type=set[str])

    def _sign(self, connection: Connection, ids: Collection[str]) -> None:
        known = sorted(one for one in ids if one in self.ours)
        notes.set_meta(connection, f"hooks:{self.channel.name}", msgspec.json.encode(known).decode())

    # Telling

    def report(self) -> HookReport:
        """Say how it stands."""
        choice, topics = self._choice, self.port.topics
        off = {topic for one in choice.kept if not one.active for topic in _told(one, topics)}
        return HookReport(
            channel=self.channel.name,
            url=self.url,
            hooks=tuple(_hook(one) for one in sorted(self.ours.values(), key=_age)),
            missing=tuple(topic for topic in topics if topic in off or topic in choice.uncovered),
            unsigned=tuple(topic for one in self._unsigned() if one.active for topic in _told(one, topics)),
            double=tuple(topic for one in choice.doubles for topic in _told(one, topics)),
            others=self.others,
            created=tuple(self.created),
            mended=tuple(self.mended),
            signed=tuple(self.signed),
            removed=tuple(self.removed),
            findings=(*self.refused, *self._old_ones()),
        )

    def _old_ones(self) -> Iterator[str]:
        for url, count in sorted(self.old.items()):
            many = "1 subscription sends" if count == 1 else f"{count} subscriptions send"
            yield f"{many} to {url}: an old address of this bridge, or another bridge; delete them there if nobody listens"


def _hook(one: Subscription) -> Hook:
    return Hook(id=one.id, topics=one.topics, active=one.active, failures=one.failures)
