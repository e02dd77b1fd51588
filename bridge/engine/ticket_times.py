"""When a ticket is asked for, and how long."""

from datetime import timedelta

from bridge.engine.context import Channel, Context

__all__ = ["FIRST_LOOK", "kept", "pause"]

# A ticket is asked for so soon, and then ever more seldom.
FIRST_LOOK = timedelta(seconds=2)
_LONGEST_LOOK = timedelta(minutes=5)
# Where the platform does not say how long it keeps a ticket.
_KEPT = timedelta(hours=24)


def kept(channel: Channel) -> timedelta:
    """How long a channel's tickets are asked for."""
    return timedelta(hours=channel.connector.limits.ticket_hours) or _KEPT


def pause(context: Context, looks: int) -> timedelta:
    """How long to wait after a ticket had no result, having been asked for so often before."""
    return min(_LONGEST_LOOK, FIRST_LOOK * (1 << min(looks + 1, 10))) * context.rng.uniform(0.8, 1.2)
