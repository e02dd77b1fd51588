"""A bench with an outbox, and an automation that takes events."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.engine.events import Events, Target
from bridge.engine.sending import Sender
from bridge.store import events
from bridge.store.tables import events as event_table
from tests.engine.bench import Bench, tell

SECRET = "a-secret-that-is-long"
MAIL = Target(name="mail", url="https://mail.test/in", secret=SECRET)


class Receiver:
    """An automation that takes events. `answer` says what it answers to a call; `heard` is every call."""

    def __init__(self) -> None:
        self.heard: list[tuple[datetime, dict[str, Any]]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, Any]], Response] = lambda _: Response(status_code=204)

    def app(self, now: Callable[[], datetime]) -> Starlette:
        """The automation as a web application."""

        async def take(request: Request) -> Response:
            body = await request.body()
            event = msgspec.json.decode(body)
            self.raw.append((dict(request.headers), body))
            self.heard.append((now(), event))
            return self.answer(event)

        return Starlette(routes=[Route("/in", take, methods=["POST"])])

    @property
    def types(self) -> list[str]:
        """What was heard, in order."""
        return [event["type"].removeprefix("bridge.") for _, event in self.heard]

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """What was heard of numbered events, in order."""
        return [(event["subject"], event["data"]["n"]) for _, event in self.heard]


class Post:
    """The outbox of a bench, and its way to a receiver."""

    def __init__(self, bench: Bench, *targets: Target, source: str = "https://bridge.test") -> None:
        self.bench, self.receiver = bench, Receiver()
        self.context = bench.world.context
        self.context.events = Events(targets or (MAIL,))
        transport = httpx.ASGITransport(self.receiver.app(bench.world.around.now))
        around = replace(bench.world.around, transport=transport)
        self.around = around
        self.sender = Sender(self.context, targets or (MAIL,), around, source)

    def emit(self, *subjects: str) -> None:
        """Have something happen to each of these subjects, numbered."""
        now = self.context.now()
        drafts = [
            events.Draft(type="drift", subject=subject, time=now, data={"n": number}, targets=("mail",))
            for number, subject in enumerate(subjects)
        ]
        self.context.database.write(lambda connection: events.emit(connection, drafts, now))

    async def until(self, moment: datetime) -> None:
        """Do as the daemon does: come again when there is something to do."""
        while (at := await self.sender.run_once()) is not None and at <= moment:
            await self.bench.wait(max(0.0, (at - self.context.now()).total_seconds()))

    def later(self, **span: float) -> datetime:
        """A moment to come."""
        return self.context.now() + timedelta(**span)

    @property
    def types(self) -> list[str]:
        """What was written, in order."""
        return [row.type for row in self.bench.rows(event_table)]


def posted(story: Callable[[Post], Any], *targets: Target, **more: Any) -> None:
    """Tell a story of one shop whose outbox goes to a receiver."""

    async def told(bench: Bench) -> None:
        post = Post(bench, *targets)
        await story(post)
        await post.sender.close()

    tell(told, "woocommerce", sound=False, **more)
