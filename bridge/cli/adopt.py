"""bridge adopt"""

import sys

import click

from bridge.app.results import Adoption
from bridge.cli.output import emit, number, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]

_SHOWN = 25


@click.command(name="adopt")
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@click.option("--open", "source", metavar="CHANNEL|ledger", help="Whose numbers count. Without it, nothing is opened.")
@options
def command(channels: tuple[str, ...], source: str | None, config: str | None, as_json: bool) -> int:
    """Compare the channels' numbers, then open the ledger.

    Reads the catalogue, the stock and the recent orders of each channel; writes nothing there. The report lists
    where the channels differ, in units and money. With --open (or when asked at the end, at a terminal) the ledger
    opens with that channel's numbers, and the channels are written to from the next `bridge sync` on.
    `--open ledger` joins further channels to a ledger that is open.

    \b
    Examples:
      bridge adopt
      bridge adopt --open shop
      bridge adopt till --open ledger
    """
    with opened(config) as app:
        result = run(app.adopt(channels, source=source))
        if as_json:
            emit(result)
            return 0
        _show(result)
        if source is None:
            source = _asked(result)
            if source is None:
                _next(result)
                return 0
            result = run(app.open_ledger(result, source))
        _opened(result)
    return 0


def _show(result: Adoption) -> None:
    rows = [
        (one.channel, one.platform, one.name, one.currency, number(one.products), number(one.orders), number(one.positions),
         number(one.units), "adopted before" if one.adopted else "read")
        for one in result.channels
    ]  # fmt: skip
    columns = ["channel", "platform", "account", "currency", "products>", "orders>", "numbers>", "units>", ""]
    table("Channels", columns, rows)
    for finding in result.findings:
        say(f"{finding.channel}: {finding.text}")
    names = sorted({name for one in result.differences for name in one.numbers})
    table(
        "Differences (the most valuable first)",
        ["sku", "place", *(f"{name}>" for name in names), "gap>", "value>"],
        [
            (one.sku, one.place, *(number(one.numbers.get(name)) for name in names), one.gap, one.value or "-")
            for one in result.differences[:_SHOWN]
        ],
    )
    if len(result.differences) > _SHOWN:
        say(f"... and {len(result.differences) - _SHOWN:,} more (all of them with --json)")
    value = f", worth {' and '.join(result.gap_value)}" if result.gap_value else ""
    say(f"{len(result.differences):,} SKUs differ between channels, by {result.gap_units:,} units{value}.")


def _asked(result: Adoption) -> str | None:
    """Ask whose numbers count, where a person is there to answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or all(one.adopted for one in result.channels):
        return None
    choices = [one.channel for one in result.channels]
    if result.opened_from is not None:
        choices = ["ledger", *choices]
    answer = click.prompt("Whose numbers count", type=click.Choice([*choices, "none"]), default="none")
    return None if answer == "none" else str(answer)


def _next(result: Adoption) -> None:
    if all(one.adopted for one in result.channels):
        say("Adopted already; `bridge sync` keeps them in step.")
        return
    known = ["ledger"] if result.opened_from else []
    names = " or ".join(f"`bridge adopt --open {name}`" for name in [*known, *(one.channel for one in result.channels)])
    say(f"Nothing was opened. Next: {names}, to say whose numbers count.")


def _opened(result: Adoption) -> None:
    say(
        f"The ledger is open with the numbers of {result.opened_from}: {result.counters_opened:,} counters."
        if result.opened_from != "ledger"
        else f"The ledger keeps its numbers; {result.counters_opened:,} new counters."
    )
    say(f"{', '.join(result.written_to)} will be written to. Next: `bridge plan`, then `bridge sync`.")
