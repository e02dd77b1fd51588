"""bridge demo"""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.output import emit, say, table
from bridge.cli.session import json_option, run
from bridge.sandbox import FIRST, STAND_INS, chosen

if TYPE_CHECKING:
    from bridge.rehearsal.demo import Summary

__all__ = ["command"]


@click.command(name="demo")
@click.option(
    "--seed", default=1, show_default=True, metavar="N", help="Draws who buys what where, and what goes wrong."
)
@click.option(
    "--keep",
    "folder",
    default="bridge-demo",
    show_default=True,
    metavar="DIR",
    help="Where config and ledger are left.",
)
@click.option(
    "--minutes",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1, 120),
    help="Minutes of trading, in shop time.",
)
@click.option("--speed", default=5.0, show_default=True, type=click.FloatRange(1, 50), help="How fast shop time runs.")
@click.option(
    "--channels",
    default=",".join(FIRST),
    show_default=True,
    metavar="NAMES",
    help=f"Which platforms take part: all, or some of {', '.join(STAND_INS)}.",
)
@json_option
def command(seed: int, folder: str, minutes: float, speed: float, channels: str, as_json: bool) -> int:
    """Watch shops stay in step, on this machine alone.

    Starts stand-ins of WooCommerce, Shopify and Square (or those you name) on loopback, adopts and links them, then sells, refunds,
    cancels and counts on all of them while answers get lost, and shows the numbers come together. No account and no network is
    needed.

    \b
    Examples:
      bridge demo
      bridge demo --seed 7 --minutes 2
      bridge demo --channels all
      bridge demo --json
    """
    from bridge.cli.demo_view import view
    from bridge.rehearsal.demo import DemoError
    from bridge.rehearsal.demo import run as play

    try:
        platforms = chosen(channels)
    except ValueError as error:
        raise click.UsageError(f"--channels: {error}") from error
    try:
        with view(quiet=as_json) as screen:
            story = play(
                seed=seed, folder=Path(folder), minutes=minutes, speed=speed, platforms=platforms,
                show=screen.show, ask=screen.say,
            )  # fmt: skip
            summary = run(story)
    except DemoError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        emit(summary)
    else:
        _tell(summary)
    return 0 if summary.ok else 1


_COLUMNS = (
    "channel", "platform", "numbers>", "agree>", "units>", "calls>", "written>", "repaired>", "counted>",
)  # fmt: skip


def _tell(summary: "Summary") -> None:
    say()
    rows = [
        (one.channel, one.platform, one.numbers, one.agree, one.units, one.calls, one.written, one.drifts, one.edits)
        for one in summary.channels
    ]
    table(f"After {summary.seconds_traded / 60:.1f} minutes of trading, at {summary.speed:g}x speed", _COLUMNS, rows)
    say(f"{summary.acts} acts: {summary.sold} units sold, {summary.refused} acts refused by the shops themselves.")
    say(
        f"{summary.faults} calls went wrong on purpose, {summary.syncs} syncs ran and booked {summary.orders} order snapshots."
    )
    say(f"Oversold at the worst moment: {summary.oversold} units (a till sells whatever lies on the counter).")
    if summary.seconds_to_agreement is not None:
        say(f"Every number agreed {summary.seconds_to_agreement:g} s of shop time after the last act.")
    for line in summary.wrong:
        say(f"WRONG  {line}")
    say()
    table("Found while linking", ["channel", "what"], [(one.channel, one.text) for one in summary.findings])
    say("Try next:")
    program = "bridge" if shutil.which("bridge") else sys.argv[0]
    for command_line in summary.next_commands:
        say(f"  {program} {command_line.removeprefix('bridge ')}")
