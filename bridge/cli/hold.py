"""bridge hold"""

from datetime import timedelta

import click

from bridge.app.results import HoldLine
from bridge.cli.moments import Lasts
from bridge.cli.output import clock, emit, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]


@click.group(name="hold")
def command() -> None:
    """Reserve units: add, release, list.

    Held units are still on the shelf, and no channel shows them.

    \b
    Examples:
      bridge hold add TEE-RED-M 2 --for 48h --note "Ms Jones, on the phone"
      bridge hold list
      bridge hold release 3f9a0c...
    """


@command.command()
@click.argument("sku")
@click.argument("quantity", type=click.IntRange(1, 1_000_000))
@click.option("--place", default="main", show_default=True, help="Where the units are.")
@click.option("--for", "lasts", type=Lasts(), help="When it ends by itself, such as 30m, 4h or 2d.  [default: never]")
@click.option("--note", default="", help="What for.")
@options
def add(
    sku: str, quantity: int, place: str, lasts: timedelta | None, note: str, config: str | None, as_json: bool
) -> int:
    """Reserve units of a SKU.

    \b
    Examples:
      bridge hold add TEE-RED-M 2 --for 48h
    """
    with opened(config) as app:
        hold = run(app.add_hold(sku, quantity, place=place, lasts=lasts, note=note))
    _say(hold, app.next_step, as_json)
    return 0


@command.command()
@click.argument("hold_id", metavar="ID")
@options
def release(hold_id: str, config: str | None, as_json: bool) -> int:
    """Give the units of a hold back.

    \b
    Examples:
      bridge hold release 3f9a0c1b2d4e
    """
    with opened(config) as app:
        hold = run(app.release_hold(hold_id))
    _say(hold, app.next_step, as_json)
    return 0


@command.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@options
def list_(everything: bool, config: str | None, as_json: bool) -> int:
    """List reservations.

    \b
    Examples:
      bridge hold list --all
    """
    with opened(config) as app:
        rows = app.holds(everything=everything)
    if as_json:
        emit(rows)
        return 0
    columns = ["id", "sku", "place", "units>", "state", "until (UTC)", "note"]
    table("", columns, [(h.id, h.sku, h.place, h.quantity, h.state, clock(h.expires_at), h.note) for h in rows])
    if not rows:
        say("nothing is held")
    return 0


def _say(hold: HoldLine, step: str, as_json: bool) -> None:
    if as_json:
        emit(hold)
    else:
        say(f"hold {hold.id}: {hold.quantity} of {hold.sku} at {hold.place}, {hold.state}. {step}")
