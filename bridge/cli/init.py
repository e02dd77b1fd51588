"""bridge init"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.errors import NEEDS_PERSON
from bridge.cli.output import emit, say
from bridge.cli.session import json_option, run
from bridge.sandbox import STAND_INS

if TYPE_CHECKING:
    from bridge.app.results import ChannelCheck

__all__ = ["command"]

Channels = dict[str, dict[str, Any]]


@click.command(name="init")
@click.option("--config", metavar="FILE", default="config.toml", show_default=True, help="The file to write.")
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME=PLATFORM", help="A channel, without asking. Repeatable."
)
@click.option("--set", "settings", multiple=True, metavar="NAME.KEY=VALUE", help="A setting of a channel. Repeatable.")
@click.option("--database", default="bridge.db", show_default=True, help="File beside the config, or postgresql://...")
@click.option("--check/--no-check", default=True, help="Try the credentials before anything is written.")
@json_option
def command(
    config: str, channels: tuple[str, ...], settings: tuple[str, ...], database: str, check: bool, as_json: bool
) -> int:
    """Write a config: asks platform by platform.

    The file is written with mode 0600 and never over an existing one. A value may be a variable: ${SHOP_SECRET}.
    With --channel nothing is asked.

    \b
    Examples:
      bridge init
      bridge init --channel shop=woocommerce --set shop.url=https://shop.example \\
          --set 'shop.consumer_key=${WOO_KEY}' --set 'shop.consumer_secret=${WOO_SECRET}'
      bridge init --channel till=square --set 'till.access_token=${SQUARE_TOKEN}' --no-check
    """
    from bridge.app.configfile import must_be_new, write_new
    from bridge.app.setup import config_of

    file = Path(config)
    must_be_new(file)
    asks = not channels
    chosen = _asked() if asks else _given(channels, settings)
    text, loaded = config_of(chosen, database=database, file=file, environment=os.environ)
    found = _checked(loaded) if check else ()
    if asks and _places_asked(found, chosen):
        text, loaded = config_of(chosen, database=database, file=file, environment=os.environ)
        found = _checked(loaded)
    if any(not one.ok for one in found) and not (asks and click.confirm("Write the config all the same?")):
        _told(found, as_json, written="")
        return NEEDS_PERSON if any(one.needs_person for one in found) else 1
    write_new(file, text)
    _told(found, as_json, written=str(file))
    return 0


def _given(channels: tuple[str, ...], settings: tuple[str, ...]) -> Channels:
    from bridge.app.setup import nested

    found: Channels = {}
    for pair in channels:
        name, equals, platform = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{pair!r} is not NAME=PLATFORM, such as shop=woocommerce.")
        found[name] = {"platform": platform}
    for name, table in nested(settings).items():
        if name not in found:
            raise click.UsageError(f"--set {name}...: there is no --channel {name}=PLATFORM.")
        found[name].update(table)
    return found


def _asked() -> Channels:
    """Ask platform by platform; each may be connected several times."""
    from bridge.app.setup import questions

    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody to ask: name channels with --channel NAME=PLATFORM and --set.")
    say("Each platform's README says how to get these. A value may be a variable, such as ${SHOP_SECRET}.\n")
    found: Channels = {}
    for platform, facts in STAND_INS.items():
        usual = facts.channel
        while click.confirm(
            f"Connect {'another' if any(t['platform'] == platform for t in found.values()) else 'a'} {platform} account?"
        ):
            name = click.prompt("  what shall it be called here", default=usual if usual not in found else None)
            found[name] = {"platform": platform}
            for one in questions(platform):
                found[name][one.key] = click.prompt(f"  {one.key} ({one.help})", hide_input=one.secret)
    if not found:
        raise click.UsageError("Nothing to connect, so nothing was written.")
    return found


def _checked(loaded: Any) -> "tuple[ChannelCheck, ...]":
    from bridge.app import App

    with App.unsaved(loaded) as app:
        return run(app.check()).channels


def _places_asked(found: "tuple[ChannelCheck, ...]", chosen: Channels) -> bool:
    """Where an account has several locations, ask which are kept in step, and as what."""
    asked = False
    for one in found:
        active = [place for place in one.locations if place.active]
        if len(active) < 2 or chosen[one.channel].get("locations"):
            continue
        say(f"{one.channel} has several locations; an empty answer leaves one out.")
        answers = {
            place.id: click.prompt(f"  {place.name} is our place", default="", show_default=False) for place in active
        }
        chosen[one.channel]["locations"] = {place: answer for place, answer in answers.items() if answer}
        asked = True
    return asked


def _told(found: "tuple[ChannelCheck, ...]", as_json: bool, written: str) -> None:
    if as_json:
        emit({"written": written or None, "channels": found})
        return
    for one in found:
        say(f"{one.channel}: {f'{one.name} ({one.currency})' if one.ok else one.problem}")
        if one.next:
            say(f"  next: {one.next}")
        for note in one.notes:
            say(f"{one.channel}: {note}")
    say(f"{written} is written. Next: `bridge adopt`" if written else "nothing was written")
