"""When a ticket is asked for, how long, and what is told of one that never ends."""

from datetime import timedelta

from bridge.engine.context import Channel, Context
from bridge.engine.noting import park
from bridge.store import writes

__all__ = ["FIRST_LOOK", "kept", "look_later", "overdue"]

# A ticket is asked for so soon, and then ever more seldom.
FIRST_LOOK = timedelta(seconds=2)
_LONGEST_LOOK = timedelta(minutes=5)
# Where the platform does not say how long it keeps a ticket.
_KEPT = timedelta(hours=24)


def kept(channel: Channel) -> timedelta:
    """How long a channel's tickets are asked for."""
    return timedelta(hours=channel.connector.limits.ticket_hours) or _KEPT


def look_later(context: Context, key: str, looks: int) -> None:
    """Ask for the ticket of a write again, ever more seldom: it had no result yet, having been asked for so often before."""
    wait = min(_LONGEST_LOOK, FIRST_LOOK * (1 << min(looks + 1, 10))) * context.rng.uniform(0.8, 1.2)
    again = context.now() + wait
    context.database.write(lambda connection: writes.look_again(connection, key, again))


def overdue(context: Context, channel: Channel, ticket: str, what: str, then: str) -> None:
    """Have a person told that nobody waits any longer for a ticket: of `what` it is, and what is done about it `then`."""
    platform, hours = channel.connector.platform, kept(channel).total_seconds() / 3600
    reason = (
        f"{platform} has not said within {hours:g} h what became of {what} (ticket {ticket}): {then}; look at {platform}'s own list of"
        " uploads, then `bridge retry`"
    )
    context.database.write(lambda connection: park(connection, context, "ticket", channel.name, channel.name, reason))
