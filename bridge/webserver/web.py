"""What the web server stands on, and what it may say about the daemon behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.app import App
from bridge.engine.inbox import Inbox

__all__ = ["ChannelHealth", "ChannelState", "Health", "Web"]

ChannelState = Literal["ok", "late", "failing", "resting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How the daemon gets on with one channel.

    ok          news come as they should
    late        none has come for longer than they should
    failing     the last attempt failed; `error` says why, and it is tried again
    resting     a person must act first; `error` says what to do

    `heard_at`: when something was last read from it since the daemon started; None before. `poll`: seconds between two polls.
    """

    channel: str
    state: ChannelState
    heard_at: datetime | None = None
    error: str = ""
    poll: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the daemon is."""

    channels: tuple[ChannelHealth, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether every channel was heard of since the start."""
        return all(one.heard_at is not None for one in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The application, the inbox, and two ways to the daemon: how is it, and "there is something to push"."""

    app: App
    inbox: Inbox = field(repr=False)
    health: Callable[[], Health]
    poke: Callable[[], None]
