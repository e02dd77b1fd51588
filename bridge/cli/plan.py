"""bridge plan"""

from typing import TYPE_CHECKING, cast

import click

from bridge.app.results import ChannelPlan, Plan, PlannedWrite
from bridge.cli.output import clock, emit, number, say, signed, table
from bridge.cli.session import opened, options, run

if TYPE_CHECKING:
    from bridge.app.syncing import What

__all__ = ["command", "show"]

_FIELDS, _WIDTH = 40, 40


@click.command(name="plan")
@click.argument(
    "what",
    required=False,
    default="all",
    type=click.Choice(["stock", "orders", "products", "all"]),
    metavar="[stock|orders|products]",
)
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Only the writes to this channel. Repeatable."
)
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Only this SKU. Repeatable.")
@click.option("--offline", is_flag=True, help="Plan from the database alone, without reading the channels' news.")
@click.option("--limit", default=40, show_default=True, metavar="N", help="Rows shown per channel; 0 shows all.")
@options
def command(
    what: str,
    channels: tuple[str, ...],
    skus: tuple[str, ...],
    offline: bool,
    limit: int,
    config: str | None,
    as_json: bool,
) -> int:
    """Show every write that sync would make. Changes nothing.

    Each write comes with its reason, each channel with the number of calls. With --json all rows are printed.

    \b
    Examples:
      bridge plan
      bridge plan products
      bridge plan --channel shop --sku TEE-RED-M
      bridge plan --offline --json
    """
    with opened(config) as app:
        told = None if as_json or limit == 0 else limit
        result = run(app.plan(cast("What", what), only=channels, skus=skus, offline=offline, limit=told))
    if as_json:
        emit(result)
    else:
        show(result)
    return result.exit_code


def show(result: Plan) -> None:
    """Print a plan for people."""
    for one in result.channels:
        _channel(one)
    rows = [
        (one.channel, number(one.writes), number(one.units), number(one.calls), number(one.held))
        for one in result.channels
    ]
    table("In all", ["channel", "writes>", "units>", "calls>", "held back>"], rows)
    table(
        "Product fields",
        ["channel", "product", "field", "from", "to", "because"],
        [(f.channel, f.key, f.field, _short(f.before), _short(f.after), f.reason) for f in result.fields[:_FIELDS]],
    )
    if len(result.fields) > _FIELDS:
        say(f"... and {len(result.fields) - _FIELDS:,} more fields (all of them with --json)")
    columns = ["channel", "what", "order", "because"]
    table(
        "Orders",
        columns,
        [(o.channel, o.action, f"{o.source} {o.order_id}", o.reason) for o in result.orders[:_FIELDS]],
    )
    if len(result.orders) > _FIELDS:
        say(f"... and {len(result.orders) - _FIELDS:,} more orders (all of them with --json)")
    _loyal(result)
    for one in result.channels:
        if one.halted:
            step = f"Next: `bridge sync` notes it, `bridge approve {one.channel}` lets it through"
            say(f"{one.channel}: the guard holds {one.held:,} rows back: it {one.halted}. {step}")
    for error in result.errors.values():
        say(error)
    for name in result.left_out:
        say(f"{name}: not adopted, left out. Next: `bridge adopt {name}`")


def _loyal(result: Plan) -> None:
    table(
        "Codes",
        ["channel", "what", "code", "says", "may accept>", "because"],
        [(c.channel, c.action, c.code, c.says, number(c.limit), c.reason) for c in result.codes],
    )
    columns = ["channel", "codes to write>", "codes it cannot have>", "customers to be shown points>"]
    rows = [(one.channel, number(one.codes), number(one.refused), number(one.points)) for one in result.loyalty]
    table("Points and codes in all", columns, rows)


def _short(value: str | None) -> str:
    text = "-" if value is None else " ".join(value.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _until(row: PlannedWrite) -> str:
    return "" if row.waits_until is None else f"; waits for the day's limits until {clock(row.waits_until)} UTC"


def _channel(one: ChannelPlan) -> None:
    rows = [
        (
            row.sku,
            row.place,
            number(row.shown),
            number(row.target),
            signed(row.delta),
            f"{'HELD BACK: ' if row.held else ''}{row.reason}{_until(row)}",
        )
        for row in one.rows
    ]
    table(f"Writes to {one.channel}", ["sku", "place", "shows>", "should>", "change>", "because"], rows)
    hidden = one.writes + one.held - len(one.rows)
    if hidden > 0:
        say(f"... and {hidden:,} more (--limit 0 shows all)\n")
