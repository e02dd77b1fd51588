"""bridge coupon"""

from datetime import timedelta
from typing import Any

import click

from bridge.app.loyal_results import CampaignMade, CampaignStatus, ClaimLine, CodeLine, CodeStatus, TakenOver
from bridge.cli.discount import asked, discount_options, uses_of, uses_options
from bridge.cli.moments import Lasts
from bridge.cli.output import clock, emit, number, say, table
from bridge.cli.session import opened, options, run

__all__ = ["command"]

_CODE = click.argument("code")


@click.group(name="coupon")
def command() -> None:
    """Make codes that work everywhere, and see where they were used.

    A code is written to every channel that has codes of its own by the next `bridge sync`. At a till without codes it is claimed:
    `bridge coupon claim` answers what to take off.

    \b
    Examples:
      bridge coupon create WELCOME --percent 10 --per-customer 1 --unlimited
      bridge coupon generate --count 500 --prefix AUTUMN --percent 15 --once --csv codes.csv --qr codes.html
      bridge coupon status WELCOME
      bridge coupon claim WELCOME --channel till
      bridge coupon import shop
    """


@command.command()
@_CODE
@discount_options
@uses_options
@click.option("--note", default="", help="What for; name nobody here: it stays when a customer is forgotten.")
@options
def create(code: str, note: str, config: str | None, as_json: bool, **given: Any) -> int:
    """Make one code.

    What a channel cannot express is not written there, never loosened: the answer says where and why.

    \b
    Examples:
      bridge coupon create SPRING --percent 15 --minimum 40 --until 2027-03-31 --uses 100
      bridge coupon create SORRY-ANN --amount 5.00 --email ann@example.com --policy split
      bridge coupon create SHIP --free-shipping --unlimited --channel shop
    """
    uses = uses_of(given)
    with opened(config) as app:
        made = run(
            app.loyalty.create(
                code, asked(given), policy=given["policy"], channels=given["channels"], uses=uses, restore=not given["keep_used"],
                note=note,
            )
        )  # fmt: skip
        _say_made(made, app.next_step, as_json)
    return 0


@command.command()
@click.option(
    "--count", required=True, type=click.IntRange(1, 1_000_000), help="How many codes the campaign has in the end."
)
@click.option("--prefix", default="", help="What every code begins with.")
@click.option(
    "--length", type=click.IntRange(8, 40), help="Characters of a code.  [default: the prefix and 8, 12 at least]"
)
@click.option("--campaign", default="", metavar="NAME", help="What they are called together.  [default: the prefix]")
@click.option("--csv", "csv_file", metavar="FILE", help="Write all codes of the campaign to a new CSV file.")
@click.option("--qr", "qr_file", metavar="FILE", help="Write a sheet of QR codes to a new .html or .svg file.")
@discount_options
@uses_options
@options
def generate(
    count: int, prefix: str, length: int | None, campaign: str, csv_file: str | None, qr_file: str | None, config: str | None,
    as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Make many codes with the same terms: a campaign.

    If it is stopped, the same command again goes on, and makes no code twice; a higher --count adds more.

    \b
    Examples:
      bridge coupon generate --count 10000 --prefix AUTUMN --percent 15 --once
      bridge coupon generate --count 50 --prefix FAIR --amount 5 --csv fair.csv --qr fair.html
    """
    from bridge.app import sheets

    name, uses = campaign or prefix, uses_of(given)
    if not name:
        raise click.UsageError("Name the codes with --prefix, or all of them together with --campaign.")
    for file in (csv_file, qr_file):
        if file is not None:
            sheets.must_be_new(file)
    with opened(config) as app:
        made = run(
            app.loyalty.generate(
                name, asked(given), count=count, prefix=prefix, length=length or max(12, len(prefix) + 8), policy=given["policy"],
                channels=given["channels"], uses=uses, restore=not given["keep_used"],
            )
        )  # fmt: skip
        codes = app.loyalty.campaign_codes(made.campaign) if csv_file or qr_file else []
        if csv_file:
            sheets.code_csv(csv_file, codes, made.says)
        if qr_file:
            sheets.qr_sheet(
                qr_file, codes, made.says, lambda done: app.progress("drawing", made.campaign, done, len(codes))
            )
        _say_made(made, app.next_step, as_json)
    return 0


@command.command(name="list")
@click.option(
    "--kind", type=click.Choice(["coupon", "points", "referral"]), default=None, help="Only these.  [default: all]"
)
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 1_000_000), help="Codes shown.")
@options
def list_(kind: str | None, everything: bool, limit: int, config: str | None, as_json: bool) -> int:
    """List codes, the newest first.

    \b
    Examples:
      bridge coupon list
      bridge coupon list --kind points --all
    """
    with opened(config) as app:
        rows = app.loyalty.codes(kind=kind or "", everything=everything, limit=limit)
    if as_json:
        emit(rows)
        return 0
    columns = ["code", "campaign", "says", "policy", "uses>", "left>", "state", "until (UTC)"]
    table(
        "",
        columns,
        [
            (c.code, c.campaign, c.says, c.policy, number(c.uses), number(c.left), c.state, clock(c.ends_at))
            for c in rows
        ],
    )
    if not rows:
        say("there are no codes")
    return 0


@command.command()
@_CODE
@options
def status(code: str, config: str | None, as_json: bool) -> int:
    """Say where a code can be used, was used, and by which order; of a campaign, how its codes stand.

    \b
    Examples:
      bridge coupon status AUTUMN-7K2M9QXA
      bridge coupon status AUTUMN
    """
    with opened(config) as app:
        found = app.loyalty.campaign(code) or app.loyalty.code(code)
    if as_json:
        emit(found)
    elif isinstance(found, CampaignStatus):
        _campaign(found)
    else:
        _status(found)
    return 0


@command.command()
@_CODE
@click.option("--channel", required=True, metavar="NAME", help="Where it is to be used.")
@click.option("--for", "lasts", type=Lasts(), help="How long it is kept, such as 5m.  [default: 15m]")
@click.option(
    "--person",
    default="",
    help="Who buys: an e-mail address, a phone, CHANNEL:ID. Codes that are not for everybody need it.",
)
@options
def claim(code: str, channel: str, lasts: timedelta | None, person: str, config: str | None, as_json: bool) -> int:
    """Ask for a use of a code at a till that has no codes of its own.

    The answer says what to take off. Until it is captured or released, nobody else has this use.

    \b
    Examples:
      bridge coupon claim AUTUMN-7K2M9QXA --channel till
    """
    with opened(config) as app:
        one = run(app.loyalty.claim(code, channel, lasts=lasts, person=person))
    _say_claim(one, f"Take {one.discount}; then `bridge coupon capture {one.id}`, or `release`", as_json)
    return 0


@command.command()
@click.argument("claim_id", metavar="ID")
@click.option("--order", default="", metavar="ID", help="The channel's order it was used for.")
@options
def capture(claim_id: str, order: str, config: str | None, as_json: bool) -> int:
    """Note that a claimed use was made. Told twice, it counts once.

    \b
    Examples:
      bridge coupon capture 3f9a0c1b2d4e --order 8Zk2
    """
    with opened(config) as app:
        one = run(app.loyalty.capture(claim_id, order))
        _say_claim(one, app.next_step, as_json)
    return 0


@command.command()
@click.argument("claim_id", metavar="ID")
@options
def release(claim_id: str, config: str | None, as_json: bool) -> int:
    """Give a claimed use back.

    \b
    Examples:
      bridge coupon release 3f9a0c1b2d4e
    """
    with opened(config) as app:
        one = run(app.loyalty.release(claim_id))
        _say_claim(one, app.next_step, as_json)
    return 0


@command.command()
@_CODE
@options
def close(code: str, config: str | None, as_json: bool) -> int:
    """Take a code, or all codes of a campaign, out of use everywhere.

    Points in an unused code are free again.

    \b
    Examples:
      bridge coupon close SPRING
    """
    with opened(config) as app:
        done = run(app.loyalty.close(code))
        step = app.next_step
    if as_json:
        emit(done)
    else:
        what = f"{done.code} is" if isinstance(done, CodeLine) else f"{done.codes:,} codes of {done.campaign} are"
        say(f"{what} closed. {step}")
    return 0


@command.command()
@_CODE
@click.option("--channel", metavar="NAME", help="Make it, or all codes of a campaign, good at this channel too.")
@options
def push(code: str, channel: str | None, config: str | None, as_json: bool) -> int:
    """Write a code again where it was refused, or deleted by hand; or to a shop or till that came after it.

    \b
    Examples:
      bridge coupon push SPRING
      bridge coupon push SPRING --channel kiosk
    """
    with opened(config) as app:
        one = run(app.loyalty.extend(code, channel) if channel else app.loyalty.push(code))
        step = app.next_step
    if as_json:
        emit(one)
    else:
        what = one.code if isinstance(one, CodeLine) else one.campaign
        say(f"{what} will be good at {channel}. {step}" if channel else f"{what} will be written again. {step}")
    return 0


@command.command()
@click.argument("person")
@discount_options
@options
def invite(person: str, config: str | None, as_json: bool, **given: Any) -> int:
    """Give a person a code by which they invite others.

    Asked again it answers the same code. Both get the points of [coupons] reward once the return window of the purchase is over.

    \b
    Examples:
      bridge coupon invite ann@example.com --percent 10
    """
    with opened(config) as app:
        one = run(app.loyalty.invite(person, asked(given), channels=given["channels"]))
        step = app.next_step
    if as_json:
        emit(one)
    else:
        say(f"{one.code}: {one.says} for whoever is invited. {step}")
    return 0


@command.command(name="import")
@click.argument("channel")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="Make them good there too. Repeatable.")
@options
def import_(channel: str, codes: tuple[str, ...], channels: tuple[str, ...], config: str | None, as_json: bool) -> int:
    """Take over codes that a shop has already: those named, or all.

    The uses made there are counted. A code that says what our terms cannot stays the shop's, and is listed with the reason.

    \b
    Examples:
      bridge coupon import shop
      bridge coupon import shop SUMMER --channel store --channel till
    """
    with opened(config) as app:
        result = run(app.loyalty.take_over(channel, codes, channels=channels))
        step = app.next_step
    if as_json:
        emit(result)
    else:
        _taken(result, step)
    return result.exit_code if codes else 0


def _say_made(made: CampaignMade, step: str, as_json: bool) -> None:
    if as_json:
        emit(made)
        return
    if made.campaign:
        say(
            f"{made.campaign}: {made.codes:,} codes, {made.says}; {', '.join(made.first)}{', ...' if made.codes > 3 else ''}. {step}"
        )
    else:
        say(f"{made.first[0]}: {made.says}. {step}")
    for channel, reason in made.refused:
        say(f"not at {channel}: {reason}")
    if made.alike:
        say(f"typed in, it is easily taken for {', '.join(made.alike)}: `bridge coupon close` takes one of them back")


def _say_claim(one: ClaimLine, step: str, as_json: bool) -> None:
    if as_json:
        emit(one)
        return
    until = f" until {clock(one.expires_at)} UTC" if one.state == "open" and one.expires_at else ""
    say(f"claim {one.id}: {one.code} at {one.channel}, {one.state}{until}. {step}")


def _taken(result: TakenOver, step: str) -> None:
    rows = [(one.code, one.state, one.says, number(one.used), number(one.left), one.reason) for one in result.codes]
    table(f"Codes of {result.channel}", ["code", "", "says", "used>", "left>", "because"], rows)
    ours = sum(one.state in {"taken", "joined"} for one in result.codes)
    left = sum(one.state == "foreign" for one in result.codes)
    say(f"{ours:,} taken over, {left:,} left to {result.channel}. {step}" if rows else f"{result.channel} has no codes")


def _campaign(one: CampaignStatus) -> None:
    each = "without limit" if one.each is None else f"{one.each} uses each" if one.each > 1 else "one use each"
    until = f", until {clock(one.ends_at)} UTC" if one.ends_at else ""
    say(f"{one.campaign}: {one.codes:,} codes, {one.says}, {each}, {one.policy}{until}")
    say(f"used: {one.used:,} (orders: {one.uses:,}), open: {one.open:,}, closed: {one.closed:,}")


def _status(found: CodeStatus) -> None:
    one = found.code
    often = "without limit" if one.uses is None else f"{one.left} of {one.uses} uses left"
    until = f", until {clock(one.ends_at)} UTC" if one.ends_at else ""
    say(f"{one.code}: {one.says}, {often}, {one.policy}, {one.state}{until}\n")
    columns = ["channel", "state", "may accept>", "used>", "claims>", "because"]
    table("", columns, [(c.channel, c.state, number(c.limit), c.used, c.claims, c.reason) for c in found.channels])
    columns = ["channel", "order", "when (UTC)", "uses>", "person"]
    table("Used", columns, [(u.channel, u.order_id, clock(u.at), u.count, u.person) for u in found.uses])
    columns = ["claim", "channel", "until (UTC)"]
    table("Claimed", columns, [(c.id, c.channel, clock(c.expires_at)) for c in found.claims])
