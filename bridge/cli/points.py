"""bridge points"""

from datetime import datetime

import click

from bridge.cli.customer import balance_text
from bridge.cli.moments import Moment
from bridge.cli.output import clock, emit, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]

_PERSON = click.argument("person")


@click.group(name="points")
def command() -> None:
    """Show, correct and redeem a customer's points.

    What is earned is said in the config's [points] table. Points are spent as a code that works once, at any checkout.

    \b
    Examples:
      bridge points show ann@example.com
      bridge points redeem ann@example.com 500
      bridge points adjust ann@example.com 100 --reason "parcel came late" --by Bo
      bridge points liability
    """


@command.command()
@_PERSON
@options
def show(person: str, config: str | None, as_json: bool) -> int:
    """Show a person's balance. `bridge customer show` has every lot.

    \b
    Examples:
      bridge points show ann@example.com
    """
    with opened(config) as app:
        found = app.loyalty.customer(person, limit=1).points
    if as_json:
        emit(found)
    else:
        say(f"{found.person}: {balance_text(found)}")
    return 0


@command.command(context_settings={"ignore_unknown_options": True})
@_PERSON
@click.argument("points", type=click.IntRange(-1_000_000_000, 1_000_000_000))
@click.option("--reason", required=True, help="Why; it stays with the movement, so name nobody.")
@click.option("--by", required=True, help="Who decided it.")
@options
def adjust(person: str, points: int, reason: str, by: str, config: str | None, as_json: bool) -> int:
    """Give points by hand, or take them (a number below 0).

    \b
    Examples:
      bridge points adjust ann@example.com 100 --reason "parcel came late" --by Bo
      bridge points adjust ann@example.com -40 --reason "given twice" --by Bo
    """
    with opened(config) as app:
        found = run(app.loyalty.adjust(person, points, reason=reason, by=by))
        step = app.next_step
    if as_json:
        emit(found)
    else:
        say(f"{found.person}: {balance_text(found)}. {step}")
    return 0


@command.command()
@_PERSON
@click.argument("points", type=click.IntRange(1, 1_000_000_000))
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="Where the code works. Repeatable.  [default: everywhere]",
)
@click.option("--prefix", default="", help="What the code begins with.")
@options
def redeem(person: str, points: int, channels: tuple[str, ...], prefix: str, config: str | None, as_json: bool) -> int:
    """Turn points into a code that works once.

    The points are held while the code is open, taken when it is used, and given back when it ends unused or the order is cancelled.

    \b
    Examples:
      bridge points redeem ann@example.com 500
      bridge points redeem +4930123456 500 --channel shop
    """
    with opened(config) as app:
        made = run(app.loyalty.redeem(person, points, channels=channels, prefix=prefix))
        step = app.next_step
    if as_json:
        emit(made)
        return 0
    say(f"{made.code}: {made.discount}, once, until {clock(made.ends_at)} UTC, at {', '.join(made.channels)}. {step}")
    for channel, reason in made.refused:
        say(f"not at {channel}: {reason}")
    say(f"{made.person}: {balance_text(made.balance)}")
    return 0


@command.command()
@click.option("--at", type=Moment(end=True), help="At the end of this day (UTC), or at this moment.  [default: now]")
@options
def liability(at: datetime | None, config: str | None, as_json: bool) -> int:
    """Say how many points are owed to customers, and what they are worth.

    \b
    Examples:
      bridge points liability
      bridge points liability --at 2026-12-31
    """
    with opened(config) as app:
        found = app.loyalty.liability(at)
    if as_json:
        emit(found)
        return 0
    columns = ["at (UTC)", "points>", "worth>", "persons>", "owed by customers>"]
    table(
        "",
        columns,
        [(clock(found.at), f"{found.points:,}", found.worth or "-", f"{found.persons:,}", f"{found.debt:,}")],
    )
    if found.forgotten:
        say(f"{found.forgotten:,} more were of customers who are forgotten: nobody can spend them")
    return 0
