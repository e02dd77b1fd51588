"""bridge audit"""

import click

from bridge.cli.output import emit, number, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]


@click.command(name="audit")
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@options
def command(channels: tuple[str, ...], config: str | None, as_json: bool) -> int:
    """Re-read every number of a channel.

    What differs is a sale not yet seen, somebody's count (believed, where the channel counts), or a lost update (the
    ledger's number is restored by the next sync). `bridge why SKU` shows which it was.

    \b
    Examples:
      bridge audit
      bridge audit shop
    """
    with opened(config) as app:
        result = run(app.audit(channels))
    if as_json:
        emit(result)
        return result.exit_code
    rows = [
        (one.channel, number(one.numbers), number(one.edits), number(one.drifts), number(one.waiting))
        for one in result.channels
    ]
    table("", ["channel", "numbers>", "edits>", "drifts>", "not settled>"], rows)
    for one in result.channels:
        if one.error:
            say(one.error)
    for name in result.left_out:
        say(f"{name}: not adopted, left out. Next: `bridge adopt {name}`")
    if any(one.edits or one.drifts for one in result.channels):
        say("Next: `bridge sync` writes what follows from this.")
    return result.exit_code
