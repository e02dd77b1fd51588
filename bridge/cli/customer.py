"""bridge customer"""

import sys

import click

from bridge.app.loyal_results import CustomerView, Merged
from bridge.cli.output import clock, emit, number, say, signed, table
from bridge.cli.session import opened, options, run

__all__ = ["balance_text", "command"]

_PERSON = click.argument("person")


@click.group(name="customer")
def command() -> None:
    """Show who buys: accounts, points, codes; merge, export, forget.

    A PERSON is named by e-mail, by phone, by an account (shop:17), or by our own name for them (cust_...). Whoever has the same
    verified e-mail or phone on two channels is one person. Contacts are shown masked; only `export` has them in full.

    \b
    Examples:
      bridge customer show ann@example.com
      bridge customer merge cust_0f3a... cust_99b2...
      bridge customer export ann@example.com --out ann.json
    """


@command.command()
@_PERSON
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Movements shown.")
@options
def show(person: str, limit: int, config: str | None, as_json: bool) -> int:
    """Show a person: accounts, points with every lot, codes, orders.

    \b
    Examples:
      bridge customer show ann@example.com
      bridge customer show +4930123456
      bridge customer show till:AH9X2C
    """
    with opened(config) as app:
        found = app.loyalty.customer(person, limit=limit)
    if as_json:
        emit(found)
    else:
        _show(found)
    return 0


@command.command(name="list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Persons shown.")
@options
def list_(limit: int, config: str | None, as_json: bool) -> int:
    """List the newest persons.

    \b
    Examples:
      bridge customer list --limit 10
    """
    with opened(config) as app:
        rows = app.loyalty.customers(limit=limit)
    if as_json:
        emit(rows)
        return 0
    columns = ["person", "contact", "known to", "points>", "since (UTC)"]
    table("", columns, [(p.person, p.contact, p.channels, number(p.points), clock(p.since)) for p in rows])
    if not rows:
        say("nobody is known yet: persons are learned from orders once there is a [points] table, or a code")
    return 0


@command.command()
@click.argument("kept")
@click.argument("gone")
@options
def merge(kept: str, gone: str, config: str | None, as_json: bool) -> int:
    """Make one person of two: all that is GONE's becomes KEPT's.

    It can be taken back: `bridge customer unmerge`.

    \b
    Examples:
      bridge customer merge ann@example.com shop:17
    """
    with opened(config) as app:
        result = run(app.loyalty.merge(kept, gone))
        _merged(result, f"{result.gone} is {result.kept} now", app.next_step, as_json)
    return 0


@command.command()
@_PERSON
@click.argument("merge_number", metavar="NUMBER", type=int)
@options
def unmerge(person: str, merge_number: int, config: str | None, as_json: bool) -> int:
    """Take a merge back: what was theirs then is theirs again.

    `bridge customer show PERSON` lists the merges with their numbers. What came since goes to whom its contact names.

    \b
    Examples:
      bridge customer unmerge ann@example.com 3
    """
    with opened(config) as app:
        result = run(app.loyalty.unmerge(person, merge_number))
        _merged(result, f"{result.kept} and {result.gone} are two again", app.next_step, as_json)
    return 0


@command.command()
@_PERSON
@click.option("--out", metavar="FILE", help="Write to a new file that only you may read.  [default: print]")
@options
def export(person: str, out: str | None, config: str | None, as_json: bool) -> int:
    """Print all that is stored about a person, in the clear.

    For somebody who asks for their data: contacts, accounts, points, codes, and every order. Always JSON.

    \b
    Examples:
      bridge customer export ann@example.com --out ann.json
    """
    with opened(config) as app:
        found = app.loyalty.export(person)
    if out is None:
        emit(found)
        return 0
    from bridge.app.sheets import private_json

    private_json(out, found)
    emit({"file": out, "orders": len(found.orders)}) if as_json else say(
        f"{out} is written: {len(found.orders)} orders"
    )
    return 0


@command.command()
@_PERSON
@click.option("--yes", is_flag=True, help="Do not ask.")
@options
def forget(person: str, yes: bool, config: str | None, as_json: bool) -> int:
    """Remove whoever this is from all that is stored. Cannot be undone.

    Their orders and points keep the numbers, without a name. Delete the accounts in the shops too: they would be learned again.

    \b
    Examples:
      bridge customer forget ann@example.com
      bridge customer forget shop:17 --yes
    """
    with opened(config) as app:
        if not yes:
            _ask(app.loyalty.customer(person))
        name, orders = run(app.loyalty.forget(person))
    if as_json:
        emit({"person": name, "orders": orders})
    else:
        say(f"{name} is forgotten; {orders} orders name nobody now. Delete their accounts in the shops too")
    return 0


def _ask(found: CustomerView) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("This cannot be undone: say --yes.")
    told = ", ".join(one.value for one in found.contacts) or found.person
    click.confirm(f"Forget {told}, with {len(found.orders)} orders and {found.points.balance} points", abort=True)


def _merged(result: Merged, text: str, step: str, as_json: bool) -> None:
    if as_json:
        emit(result)
    else:
        say(f"{text}; {result.kept} has {balance_text(result.points)}. {step}")


def balance_text(points: object) -> str:
    """Say a balance in a few words."""
    from bridge.app.loyal_results import BalanceLine

    assert isinstance(points, BalanceLine)
    parts = [f"{points.spendable:,} points to spend"]
    parts += [f"worth {points.worth}"] if points.worth else []
    parts += [f"{points.pending:,} pending"] if points.pending else []
    parts += [f"{points.held:,} in open codes"] if points.held else []
    parts += [f"{points.debt:,} owed"] if points.debt else []
    parts += [f"tier {points.tier}"] if points.tier else []
    if points.next_expiry is not None:
        parts.append(f"{points.next_expiring:,} expire on {points.next_expiry:%Y-%m-%d}")
    return ", ".join(parts)


def _show(found: CustomerView) -> None:
    say(f"{found.person}: {balance_text(found.points)}")
    contacts = [f"{one.value}{'' if one.verified else ' (not verified)'}" for one in found.contacts]
    say(f"{', '.join(contacts) or 'no contacts'}; {len(found.orders)} orders\n")
    rows = [
        (a.channel, a.customer_id, number(a.shown), number(a.target), {True: "yes", False: "no", None: "-"}[a.consent], a.note)
        for a in found.accounts
    ]  # fmt: skip
    table("Accounts", ["channel", "id", "shows>", "should>", "may be written to", ""], rows)
    table(
        "Points, by what earned them",
        ["earned (UTC)", "earned>", "left>", "expired>", "to spend from", "expires", "because"],
        [
            (clock(one.earned_at), number(one.kept), number(one.left), number(one.expired), clock(one.spendable_at),
             clock(one.expires_at), one.because)
            for one in found.lots
        ],
    )  # fmt: skip
    table(
        "Movements",
        ["when (UTC)", "what", "change>", "balance>", "channel", "because"],
        [(clock(m.at), m.why, signed(m.change), number(m.balance), m.channel, m.because) for m in found.moves],
    )
    table(
        "Codes",
        ["code", "says", "state", "until (UTC)"],
        [(c.code, c.says, c.state, clock(c.ends_at)) for c in found.codes],
    )
    table(
        "Merged into this person",
        ["number>", "who", "when (UTC)", "why"],
        [(m.number, m.gone, clock(m.at), m.why) for m in found.merges],
    )
