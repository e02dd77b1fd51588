"""bridge webhooks"""

from typing import TYPE_CHECKING

import click

from bridge.cli.output import clock, emit, say, table
from bridge.cli.session import opened, options, run

if TYPE_CHECKING:
    from bridge.app.hooking import ChannelHooks, Webhooks
    from bridge.engine.hooks import HookReport

__all__ = ["command"]


@click.command(name="webhooks")
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@click.option("--repair", is_flag=True, help="Create what is missing, switch on what is off, remove doubles of ours.")
@click.option(
    "--rotate", is_flag=True, help="Have the platforms sign with a new secret; the old one is good for a day."
)
@options
def command(channels: tuple[str, ...], repair: bool, rotate: bool, config: str | None, as_json: bool) -> int:
    """Show what the platforms tell us by webhook, and repair it.

    `bridge run` repairs them by itself. Webhooks only make the bridge quicker: what they do not tell, polling finds. What others
    have subscribed to is left alone. Exit code 3 when a person must act.

    \b
    Examples:
      bridge webhooks
      bridge webhooks shop --repair
      bridge webhooks shop --rotate
    """
    with opened(config) as app:
        result = run(app.webhooks(channels, repair=repair, fresh_secret=rotate))
    if as_json:
        emit(result)
    else:
        _show(result)
    return result.exit_code


def _show(result: "Webhooks") -> None:
    table(
        "",
        ["channel", "platform", "topics told", "last delivery (UTC)", "verdict"],
        [_row(one) for one in result.channels],
    )
    for one in result.channels:
        _details(one)
    for name in result.left_out:
        say(f"{name}: not adopted, left out. Next: `bridge adopt {name}`")
    if not result.repaired and any(one.report and not one.report.ok for one in result.channels):
        say("Next: `bridge webhooks --repair`")


def _row(one: "ChannelHooks") -> tuple[str, str, str, str, str]:
    report, told = one.report, "-"
    if report is not None:
        topics = {topic for hook in report.hooks if hook.active for topic in hook.topics}
        told = f"{len(topics)} of {len(topics | set(report.missing))}"
    verdict = "PROBLEM" if not one.ok else "ok" if report else "no webhooks: polled"
    return one.channel, one.platform, told, clock(one.received_at), verdict


def _details(one: "ChannelHooks") -> None:
    if one.error:
        say(f"{one.channel}: {one.error}")
        say(f"  next: {one.next}" if one.next else "")
    for text in _told(one.report) if one.report else ():
        say(f"{one.channel}: {text}")
    if one.waiting:
        say(f"{one.channel}: {one.waiting:,} deliveries stored and not looked at yet: `bridge run` does")


def _told(report: "HookReport") -> list[str]:
    acts = {
        "not told": report.missing,
        "signed with a secret that we do not know": report.unsigned,
        "told twice": report.double,
        "created": report.created,
        "switched on": report.mended,
        "signed with a new secret": report.signed,
        "removed, because told twice": report.removed,
    }
    lines = [f"{what}: {', '.join(dict.fromkeys(topics))}" for what, topics in acts.items() if topics]
    return [*lines, *report.findings]
