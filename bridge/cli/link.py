"""bridge link"""

import click

from bridge.app.results import LinkReport
from bridge.cli.output import emit, number, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]

_SHOWN = 40


@click.command(name="link")
@click.argument("channel", required=False)
@click.argument("variant_id", required=False)
@click.argument("sku", required=False)
@click.option("--new", is_flag=True, help="The SKU is not known yet: make it.")
@click.option("--undo", is_flag=True, help="Take a link by hand back.")
@options
def command(
    channel: str | None,
    variant_id: str | None,
    sku: str | None,
    new: bool,
    undo: bool,
    config: str | None,
    as_json: bool,
) -> int:
    """Show which listing is which SKU, or say so by hand.

    Listings are linked by exact SKU, then by barcode. What cannot be linked without a guess is listed here with what to do
    about it: a SKU twice on one channel, a SKU in another case, no SKU at all.

    \b
    Examples:
      bridge link
      bridge link shop 1042 TEE-RED-M
      bridge link shop 1042 TEE-RED-M --new
      bridge link shop 1042 --undo
    """
    with opened(config) as app:
        if channel is None:
            report = app.links()
            emit(report) if as_json else _show(report)
            return 0
        if variant_id is None or (sku is None) != undo:
            raise click.UsageError("Say CHANNEL VARIANT_ID SKU, or CHANNEL VARIANT_ID --undo.")
        made = run(app.unlink(channel, variant_id)) if sku is None else run(app.link(channel, variant_id, sku, new=new))
    if as_json:
        emit(made)
    elif made.sku is None:
        say(f"{channel}: listing {variant_id} is no longer {made.before}")
    else:
        say(f"{channel}: listing {variant_id} is {made.sku}{f', no longer {made.before}' if made.before else ''}")
    return 0


def _show(report: LinkReport) -> None:
    rows = [
        (
            one.channel,
            number(one.listings),
            number(one.by_sku),
            number(one.by_barcode),
            number(one.by_hand),
            number(one.unlinked),
        )
        for one in report.channels
    ]
    table("Links", ["channel", "listings>", "by sku>", "by barcode>", "by hand>", "not linked>"], rows)
    for title, lines in (("Findings", report.findings), ("On one channel only", report.orphans)):
        table(title, ["channel", "listing", "what"], [(one.channel, one.key, one.text) for one in lines[:_SHOWN]])
        if len(lines) > _SHOWN:
            say(f"... and {len(lines) - _SHOWN:,} more (all of them with --json)\n")
    if not report.channels:
        say("no listings yet. Next: `bridge adopt`")
