"""bridge why"""

import click

from bridge.app.results import PositionLine, Why
from bridge.cli.output import ago, clock, emit, number, say, signed, table
from bridge.cli.session import opened, options

__all__ = ["command"]


@click.command(name="why")
@click.argument("sku")
@click.option(
    "--limit", default=10, show_default=True, metavar="N", help="How many movements, counts and drifts to show."
)
@options
def command(sku: str, limit: int, config: str | None, as_json: bool) -> int:
    """Explain the numbers of one SKU.

    The balance with the movements that made it, what is reserved, what each channel shows and should show and how long
    ago that was verified, and what was counted or repaired.

    \b
    Examples:
      bridge why TEE-RED-M
      bridge why TEE-RED-M --json
    """
    with opened(config) as app:
        result = app.why(sku, limit=limit)
    if as_json:
        emit(result)
    else:
        _show(result)
    return 0


def _show(why: Why) -> None:
    say(f"{why.sku}  {why.title}")
    if why.parts:
        say(f"a kit of {', '.join(f'{each} x {sku}' for sku, each in why.parts.items())}")
    for one in why.counters:
        held = one.balance - one.available
        say(f"\nat {one.place}: balance {one.balance:,}, available {one.available:,}{f' ({held:,} held)' if held else ''}; "
            f"opened {clock(one.opened_at)} with {one.opened_from}'s number")  # fmt: skip
        rows = [
            (clock(m.occurred_at), m.why, signed(m.delta), number(m.balance), m.channel, m.note or m.source)
            for m in one.movements
        ]
        table("", ["when (UTC)", "what", "change>", "balance>", "channel", "because"], rows)
    table(
        "What the channels show",
        ["channel", "location", "shows>", "should>", "verified", ""],
        [
            (p.channel, p.location or "-", number(p.shown), number(p.target), ago(p.age), _state(p))
            for p in why.channels
        ],
    )
    table("Accepted, and not carried out yet", ["channel", "field", "will be", "waiting for"],
          [(e.channel, e.field, e.value, e.waiting_for) for e in why.edits])  # fmt: skip
    table("Held", ["id", "place", "units>", "until", "note"],
          [(h.id, h.place, h.quantity, clock(h.expires_at), h.note) for h in why.holds])  # fmt: skip
    table("Counted", ["when (UTC)", "channel", "expected>", "counted>", "note"],
          [(clock(c.at), c.channel, c.expected, c.quantity, c.note) for c in why.counts])  # fmt: skip
    table("Repaired", ["when (UTC)", "channel", "expected>", "found>", "note"],
          [(clock(d.at), d.channel, d.shown, d.found, d.note) for d in why.drifts])  # fmt: skip


def _state(one: PositionLine) -> str:
    limits = f", when the platform's limits of a day allow it: {clock(one.waits_until)} UTC" if one.waits_until else ""
    differs = one.target is not None and one.shown != one.target
    states = (
        (one.gone, "no longer listed there"),
        (bool(one.parked), f"parked: {one.parked}"),
        (bool(one.waiting_for), f"accepted, waiting for {one.waiting_for}"),
        (one.in_flight, "a write is under way, or its answer was lost"),
        (one.suspect is not None, f"{one.suspect} was seen there: to be looked at again"),
        (differs, f"to be written{limits}"),
    )
    return next((text for holds, text in states if holds), "")
