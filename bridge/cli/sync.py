"""bridge sync"""

from typing import TYPE_CHECKING, cast

import click

from bridge.app.results import SyncRun
from bridge.cli.output import emit, number, say, table
from bridge.cli.session import opened, options, run

if TYPE_CHECKING:
    from bridge.app.syncing import What

__all__ = ["command"]


@click.command(name="sync")
@click.argument(
    "what",
    required=False,
    default="all",
    type=click.Choice(["stock", "orders", "products", "all"]),
    metavar="[stock|orders|products]",
)
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="Write only to this channel. Repeatable.")
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Write only this SKU. Repeatable.")
@click.option("--dry-run", is_flag=True, help="The same as `bridge plan`: nothing is written.")
@options
def command(
    what: str, channels: tuple[str, ...], skus: tuple[str, ...], dry_run: bool, config: str | None, as_json: bool
) -> int:
    """Read every channel and write what differs.

    Goes on until nothing differs, or only what needs more time or a person. It can be stopped at any moment (Ctrl-C, a
    power cut): the same command again goes on where it stopped. Channels that are not adopted are left out.

    \b
    Examples:
      bridge sync
      bridge sync stock --channel till
      bridge sync --dry-run
    """
    if dry_run:
        from bridge.cli import plan

        wanted = [what, *_flags("--channel", channels), *_flags("--sku", skus)]
        more = [*(["--config", config] if config else []), *(["--json"] if as_json else [])]
        return int(plan.command.main([*wanted, *more], prog_name="bridge plan", standalone_mode=False))
    with opened(config) as app:
        result = run(app.sync(cast("What", what), only=channels, skus=skus))
    if as_json:
        emit(result)
    else:
        _show(result)
    return result.exit_code


def _flags(name: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (name, value)]


def _show(result: SyncRun) -> None:
    rows = [
        (one.channel, number(one.orders), number(one.movements), number(one.edits), number(one.drifts), number(one.written),
         number(one.calls), number(one.fields), number(one.mirrored), "stopped" if one.error else "ok")
        for one in result.channels
    ]  # fmt: skip
    columns = [
        "channel",
        "orders>",
        "movements>",
        "edits>",
        "drifts>",
        "written>",
        "calls>",
        "fields>",
        "mirrored>",
        "",
    ]
    table("", columns, rows)
    for one in result.channels:
        if one.codes or one.points:
            say(f"{one.channel}: {one.codes:,} codes written, {one.points:,} customers shown their points")
        if one.error:
            say(one.error)
        for text in one.parked:
            say(f"{one.channel}: parked: {text}")
    for name in result.left_out:
        say(f"{name}: not adopted, left out. Next: `bridge adopt {name}`")
    for reason in result.halted.values():
        say(reason)
    if result.open or result.waiting:
        say(
            f"{result.open:,} numbers are still to be written and {result.waiting:,} to be looked at again: run `bridge sync` again."
        )
    elif result.exit_code == 0 and not (result.accepted or result.edits_accepted or result.put_off):
        say(f"Everything is in step ({result.seconds:.1f} s).")
    if result.accepted:
        say(
            f"{result.accepted:,} numbers are accepted, waiting for their platform: `bridge run`, or the next sync, asks for them"
        )
    if result.edits_accepted:
        say(f"{result.edits_accepted:,} product edits are accepted, and asked for in the same way")
    if result.put_off:
        say(f"{result.put_off:,} numbers wait for their platform's limits of a day: `bridge status` says until when")
    if result.parked:
        say(f"{result.parked:,} parked items wait for a person: `bridge parked`")
