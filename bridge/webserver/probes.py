"""Probes: /health for whoever restarts the process, /ready for whoever sends traffic, /metrics for Prometheus."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, get_args

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.store import deliveries, figures, queries
from bridge.webserver.auth import token_of
from bridge.webserver.web import ChannelState, Health, Web

__all__ = ["routes"]

_HOUR = timedelta(hours=1)
# https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# What a proxy adds: whoever comes through one is not on this machine, wherever the connection comes from.
_PROXIED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
Labels = Mapping[str, str]
Sample = tuple[Labels, float]


def routes(web: Web) -> list[BaseRoute]:
    """Return the probes' routes."""
    probes = _Probes(web)
    return [Route("/health", probes.health), Route("/ready", probes.ready), Route("/metrics", probes.metrics)]


@dataclass(slots=True)
class _Totals:
    """Hourly figures as counters that only rise, whatever housekeeping drops: all since the hour in which this began."""

    since: datetime
    settled: Counter[tuple[str, str]] = field(default_factory=Counter)

    def at(self, now: datetime, connection: Connection) -> dict[tuple[str, str], int]:
        """Return the total of each (channel, name)."""
        # The hour before this one may still get a late figure, so it is not added up for good yet.
        open_since = max(self.since, _hour(now) - _HOUR)
        total, rows = Counter(self.settled), figures.since(connection, self.since)
        for row in rows:
            total[row.channel, row.name] += row.value
        for row in rows:
            if row.hour < open_since:
                self.settled[row.channel, row.name] += row.value
        self.since = open_since
        return dict(total)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


class _Probes:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._totals = _Totals(_hour(web.app.now()))

    async def health(self, request: Request) -> Response:
        """The process works: it answers. How the channels are is told, without what went wrong (anybody may ask)."""
        del request
        health = self._web.health()
        channels = [{"channel": c.channel, "state": c.state, "heard_at": _stamp(c.heard_at)} for c in health.channels]
        return _json({"ok": True, "ready": health.ready, "channels": channels}, 200)

    async def ready(self, request: Request) -> Response:
        """Every channel was heard of since the start."""
        del request
        health = self._web.health()
        silent = [one.channel for one in health.channels if one.heard_at is None]
        return _json({"ready": health.ready, "not_heard_of": silent}, 200 if health.ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus: with a token that has the scope `metrics`; without any token in the config, on this machine only."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        health, now = self._web.health(), self._web.app.now()
        text = self._web.app.database.read(lambda connection: self._text(connection, health, now))
        return Response(text, media_type=_TYPE, headers={"cache-control": "no-store"})

    def _refusal(self, request: Request) -> Response | None:
        tokens = self._web.app.loaded.config.tokens
        if not tokens and _on_this_machine(request):
            return None
        token = token_of(tokens, request.headers.get("authorization", ""))
        if token is None:
            text = "metrics need a token: send `Authorization: Bearer TOKEN`; `bridge token` makes one\n"
            return PlainTextResponse(text, 401, headers={"www-authenticate": "Bearer"})
        if "metrics" not in token.scopes:
            return PlainTextResponse(f"the token {token.name} lacks the scope metrics: add it in the config\n", 403)
        return None

    def _text(self, connection: Connection, health: Health, now: datetime) -> str:
        lines = [*_of_health(health, now), *_of_store(connection, now), *_of_figures(self._totals.at(now, connection))]
        return "\n".join(lines) + "\n"


def _json(value: object, status: int) -> Response:
    return JSONResponse(value, status, headers={"cache-control": "no-store"})


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _on_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _of_health(health: Health, now: datetime) -> Iterator[str]:
    yield from _metric("bridge_ready", "gauge", "1 once every channel was heard of.", [({}, health.ready)])
    states = [
        ({"channel": one.channel, "state": state}, one.state == state)
        for one in health.channels
        for state in get_args(ChannelState)
    ]
    yield from _metric("bridge_channel_state", "gauge", "1 for the state that the channel is in.", states)
    ages = [({"channel": c.channel}, _seconds(now, c.heard_at)) for c in health.channels if c.heard_at is not None]
    yield from _metric(
        "bridge_channel_news_age_seconds", "gauge", "Since something was last read from the channel.", ages
    )


def _of_store(connection: Connection, now: datetime) -> Iterator[str]:
    waiting, totals = deliveries.count_waiting(connection), queries.channel_totals(connection)
    late = [({"channel": name}, _seconds(now, at)) for name, at in deliveries.last_received(connection).items()]
    yield from _metric("bridge_webhook_age_seconds", "gauge", "Since the channel's last genuine webhook.", late)
    yield from _metric(
        "bridge_webhooks_waiting", "gauge", "Webhooks stored and not looked at yet.", _by_channel(waiting)
    )
    for name, help_text in _POSITIONS.items():
        counts = {channel: getattr(row, name) for channel, row in totals.items()}
        yield from _metric(f"bridge_numbers_{name}", "gauge", help_text, _by_channel(counts))
    ages = {name: _seconds(now, row.oldest) for name, row in totals.items() if row.oldest is not None}
    help_text = "Since the channel's longest unverified number was verified."
    yield from _metric("bridge_oldest_number_age_seconds", "gauge", help_text, _by_channel(ages))
    parked = queries.size(connection, "parked")
    yield from _metric("bridge_parked", "gauge", "Items set aside for a person.", [({}, parked)])


_POSITIONS = {
    "positions": "Numbers kept in step.",
    "open": "Numbers that are still to be written.",
    "in_flight": "Numbers whose write has not been answered yet.",
    "suspects": "Numbers that differ and are looked at again.",
}


def _of_figures(totals: Mapping[tuple[str, str], int]) -> Iterator[str]:
    plain = {key: value for key, value in totals.items() if not key[1].startswith("delay.")}
    samples = [({"channel": channel, "what": name}, value) for (channel, name), value in sorted(plain.items())]
    yield from _metric("bridge_happened_total", "counter", "How often things happened.", samples)
    channels = sorted({channel for channel, name in totals if name.startswith("delay.")})
    rows = [row for channel in channels for row in _delays(channel, totals)]
    if rows:
        yield "# HELP bridge_delay_seconds From a sale on one channel until the others show it."
        yield "# TYPE bridge_delay_seconds histogram"
        yield from rows


def _delays(channel: str, totals: Mapping[tuple[str, str], int]) -> Iterator[str]:
    count = 0
    for bound in figures.DELAYS:
        count += totals.get((channel, f"delay.le.{bound}"), 0)
        yield _sample("bridge_delay_seconds_bucket", {"channel": channel, "le": f"{bound / 1000:g}"}, count)
    count += totals.get((channel, "delay.more"), 0)
    yield _sample("bridge_delay_seconds_bucket", {"channel": channel, "le": "+Inf"}, count)
    yield _sample("bridge_delay_seconds_count", {"channel": channel}, count)


def _by_channel(values: Mapping[str, Any]) -> list[Sample]:
    return [({"channel": name}, value) for name, value in sorted(values.items())]


def _seconds(now: datetime, at: datetime) -> float:
    return round((now - at).total_seconds(), 3)


def _metric(name: str, kind: str, help_text: str, samples: Sequence[Sample]) -> Iterable[str]:
    if not samples:
        return []
    head = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    return [*head, *(_sample(name, labels, value) for labels, value in samples)]


def _sample(name: str, labels: Labels, value: float) -> str:
    text = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
    return f"{name}{{{text}}} {value:.15g}" if text else f"{name} {value:.15g}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
