"""bridge status"""

import click

from bridge.app.results import ChannelStatus, Status
from bridge.cli.output import ago, clock, emit, number, say, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="status")
@options
def command(config: str | None, as_json: bool) -> int:
    """Show how things stand, channel by channel.

    From the database alone: no channel is called.

    \b
    Examples:
      bridge status
      bridge status --json
    """
    with opened(config) as app:
        result = app.status()
    if as_json:
        emit(result)
    else:
        _show(result)
    return 0


def _show(result: Status) -> None:
    columns = [
        "channel",
        "platform",
        "adopted",
        "numbers>",
        "to write>",
        "in flight>",
        "in doubt>",
        "parked>",
        "oldest look>",
    ]
    table("", columns, [_row(one) for one in result.channels])
    run = result.last_run
    say(f"last run: {run.command} at {clock(run.started_at)} UTC, {run.outcome}" if run else "nothing has run yet")
    if result.opened_from is None:
        say("The ledger is not open. Next: `bridge adopt`")
        return
    counted = (f"{result.skus:,} SKUs", f"{result.findings:,} findings (`bridge link`)", f"{result.parked:,} parked (`bridge parked`)",
               f"{result.conflicts:,} conflicts (`bridge conflicts`)")  # fmt: skip
    say(" · ".join(counted))


def _row(one: ChannelStatus) -> tuple[str, ...]:
    adopted = "no" if one.adopted_at is None else f"{one.adopted_at:%Y-%m-%d}"
    counts = (one.positions, one.open, one.in_flight, one.suspects, one.parked)
    return (one.channel, one.platform, adopted, *(number(count) for count in counts), ago(one.oldest_age))
