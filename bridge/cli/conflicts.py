"""bridge conflicts"""

import click

from bridge.cli.output import clock, emit, say, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="conflicts")
@click.option("--limit", default=50, show_default=True, metavar="N", help="How many to show.")
@options
def command(limit: int, config: str | None, as_json: bool) -> int:
    """List product fields that both sides changed.

    The field's owner won; the other value is kept here.

    \b
    Examples:
      bridge conflicts
      bridge conflicts --json
    """
    with opened(config) as app:
        rows = app.conflicts(limit=limit)
    if as_json:
        emit(rows)
        return 0
    table(
        "",
        ["when (UTC)", "what", "field", "channel", "ours", "theirs", "won"],
        [(clock(c.at), f"{c.kind} {c.key}", c.field, c.channel, c.ours, c.theirs, c.winner) for c in rows],
    )
    if not rows:
        say("no conflicts")
    return 0
