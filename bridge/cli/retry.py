"""bridge retry"""

import click

from bridge.app.results import ParkedLine
from bridge.cli.errors import NEEDS_PERSON
from bridge.cli.output import emit, say
from bridge.cli.session import opened, options, run

__all__ = ["command"]


@click.command(name="retry")
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Take everything back in.")
@options
def command(ids: tuple[int, ...], everything: bool, config: str | None, as_json: bool) -> int:
    """Take parked items back in.

    The next `bridge sync`, or `bridge run` where it is at work, tries them again. What asks something of you (two who may be one)
    goes by its number only.

    \b
    Examples:
      bridge retry 12 13
      bridge retry --all
    """
    if bool(ids) == everything:
        raise click.UsageError("Name items by their numbers (`bridge parked` shows them), or say --all.")
    with opened(config) as app:
        result, step = run(app.retry(None if everything else ids)), app.next_step
    if as_json:
        emit(result)
    else:
        say(f"{len(result.retried)} taken back in. {step}")
        for one in result.refused:
            say(f"{one.id} stays parked: {one.reason}. Next: {_step(one)}")
    return NEEDS_PERSON if result.refused else 0


def _step(one: ParkedLine) -> str:
    if one.subject == "plan":
        return f"`bridge approve {one.channel}`"
    if one.is_question:
        return f"do that; or `bridge retry {one.id}` once it needs no answer any more"
    return "`bridge link`"
