"""bridge parked"""

import click

from bridge.cli.output import clock, emit, say, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="parked")
@options
def command(config: str | None, as_json: bool) -> int:
    """List what was set aside, with the reason.

    The rest goes on without it. `bridge retry ID` takes an item back in; a plan that the guard held back is let through by
    `bridge approve CHANNEL`.

    \b
    Examples:
      bridge parked
      bridge parked --json
    """
    with opened(config) as app:
        rows = app.parked()
    if as_json:
        emit(rows)
        return 0
    table(
        "",
        ["id>", "what", "channel", "since (UTC)", "tries>", "reason"],
        [(p.id, f"{p.subject} {p.key}", p.channel, clock(p.since), p.attempts, p.reason) for p in rows],
    )
    say(f"{len(rows)} parked. Next: `bridge retry ID` or `bridge retry --all`" if rows else "nothing is parked")
    return 0
