"""bridge check"""

import click

from bridge.app.results import ChannelCheck, Check, LedgerCheck
from bridge.cli.output import emit, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]


@click.command(name="check")
@click.option("--ledger", is_flag=True, help="Prove that every balance is the sum of its movements.")
@options
def command(ledger: bool, config: str | None, as_json: bool) -> int:
    """Verify credentials, scopes, clocks, locations; prove the ledger.

    Writes nothing. Exit code 3 when a person must act: a wrong key, a missing scope, a location to choose.

    \b
    Examples:
      bridge check
      bridge check --ledger
    """
    with opened(config) as app:
        result = run(app.check(ledger=ledger))
    if as_json:
        emit(result)
    else:
        _show(result)
    return result.exit_code


def _show(result: Check) -> None:
    rows = [
        (one.channel, one.platform, one.name or "-", one.currency or "-", "ok" if one.ok else "PROBLEM")
        for one in result.channels
    ]
    table("Channels", ["channel", "platform", "account", "currency", "verdict"], rows)
    for one in result.channels:
        _details(one)
    if result.ledger is not None:
        _ledger(result.ledger)


def _details(one: ChannelCheck) -> None:
    if one.problem:
        say(f"{one.channel}: {one.problem}")
        say(f"  next: {one.next}" if one.next else "")
    for note in one.notes:
        say(f"{one.channel}: {note}")
    rows = [(place.id, place.name, "yes" if place.active else "no", place.place or "-") for place in one.locations]
    if len(rows) > 1:
        table(f"Locations of {one.channel}", ["id", "name", "active", "kept as"], rows)


def _ledger(proof: LedgerCheck) -> None:
    counted = f"{proof.counters:,} counters, {proof.movements:,} movements, {proof.orders:,} orders"
    say(f"ledger: {counted}: {'everything adds up' if proof.ok else 'DOES NOT ADD UP'}")
    for text in (*proof.wrong_balances, *proof.wrong_orders):
        say(f"  {text}")
