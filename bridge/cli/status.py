"""bridge status"""

import click

from bridge.app.results import ChannelStatus, DaemonStatus, Status
from bridge.cli.output import ago, clock, emit, number, say, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="status")
@options
def command(config: str | None, as_json: bool) -> int:
    """Show how things stand, channel by channel.

    And whether `bridge run` is at work. From the database alone: no channel is called. --json has the daemon's schedule too.

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
    for one in result.channels:
        _waiting(one)
    _daemon(result.daemon)
    run = result.last_run
    say(f"last run: {run.command} at {clock(run.started_at)} UTC, {run.outcome}" if run else "nothing has run yet")
    if result.opened_from is None:
        say("The ledger is not open. Next: `bridge adopt`")
        return
    counted = (f"{result.skus:,} SKUs", f"{result.findings:,} findings (`bridge link`)", f"{result.parked:,} parked (`bridge parked`)",
               f"{result.conflicts:,} conflicts (`bridge conflicts`)")  # fmt: skip
    say(" · ".join(counted))
    if result.persons or result.codes:
        say(f"{result.persons:,} customers (`bridge customer`) · {result.codes:,} open codes (`bridge coupon list`)")


def _waiting(one: ChannelStatus) -> None:
    if one.accepted:
        say(f"{one.channel}: {one.accepted:,} numbers are accepted, waiting for {one.platform}")
    if one.edits_accepted:
        say(f"{one.channel}: {one.edits_accepted:,} product edits are accepted, waiting for {one.platform}")
    if one.put_off:
        until = clock(one.put_off_until)
        say(
            f"{one.channel}: {one.put_off:,} numbers wait for {one.platform}'s limits of a day; the first goes on at {until} UTC"
        )
    if one.codes_open or one.points_open:
        say(
            f"{one.channel}: {one.codes_open:,} codes and the points of {one.points_open:,} customers are still to be written"
        )


def _daemon(daemon: DaemonStatus) -> None:
    """The short form: --json has the whole schedule."""
    say(f"bridge run: {_alive(daemon)}")
    if daemon.running:
        rows = [
            (one.channel, one.state, ago(one.heard_age), ago(one.poll or None), one.error) for one in daemon.channels
        ]
        table("", ["channel", "state", "last read>", "read every>", "what is wrong"], rows)
    for job in daemon.jobs:
        if job.error:
            say(f"its job {job.name} failed at {clock(job.last_at)} UTC: {job.error}")


def _alive(daemon: DaemonStatus) -> str:
    if daemon.running:
        return f"at work since {clock(daemon.since)} UTC at {daemon.address} (process {daemon.process})"
    if daemon.seen_at is not None:
        return (
            f"not running (last sign of life {clock(daemon.seen_at)} UTC, {ago(daemon.seen_age)} ago): start it again"
        )
    return "not running" + (f" (stopped at {clock(daemon.ended_at)} UTC)" if daemon.ended_at else "")


def _row(one: ChannelStatus) -> tuple[str, ...]:
    adopted = "no" if one.adopted_at is None else f"{one.adopted_at:%Y-%m-%d}"
    counts = (one.positions, one.open, one.in_flight, one.suspects, one.parked)
    return (one.channel, one.platform, adopted, *(number(count) for count in counts), ago(one.oldest_age))
