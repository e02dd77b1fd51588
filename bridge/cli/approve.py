"""bridge approve"""

import click

from bridge.cli.output import emit, say
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="approve")
@click.argument("channel")
@options
def command(channel: str, config: str | None, as_json: bool) -> int:
    """Let a plan through that the guard held back.

    The guard parks writes that would set too many SKUs to zero or move too large a share of a channel's units.

    \b
    Examples:
      bridge approve shop
    """
    with opened(config) as app:
        result, step = app.approve(channel), app.next_step
    if as_json:
        emit(result)
    elif result.rows:
        say(f"{result.rows:,} writes to {channel} ({result.units:,} units) are approved. {step}")
    else:
        say(f"nothing is held back on {channel}")
    return 0
