"""bridge history"""

import click

from bridge.cli.output import clock, emit, say, signed, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="history")
@click.argument("sku", required=False)
@click.option("--limit", default=50, show_default=True, metavar="N", help="How many movements to show.")
@options
def command(sku: str | None, limit: int, config: str | None, as_json: bool) -> int:
    """List the newest movements of the ledger.

    \b
    Examples:
      bridge history
      bridge history TEE-RED-M --limit 200
    """
    with opened(config) as app:
        rows = app.history(sku, limit=limit)
    if as_json:
        emit(rows)
        return 0
    table(
        "",
        ["when (UTC)", "sku", "place", "what", "change>", "channel", "because"],
        [(clock(m.occurred_at), m.sku, m.place, m.why, signed(m.delta), m.channel, m.note or m.source) for m in rows],
    )
    if not rows:
        say("no movements yet")
    return 0
