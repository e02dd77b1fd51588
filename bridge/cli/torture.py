"""bridge torture"""

import sys
from typing import TYPE_CHECKING

import click

from bridge.cli.output import emit, number, say, table
from bridge.cli.session import json_option
from bridge.sandbox import FIRST, STAND_INS, chosen

if TYPE_CHECKING:
    from bridge.rehearsal.scoring import Board, Score

__all__ = ["command"]


@click.command(name="torture")
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1), metavar="N", help="How many stories.")
@click.option(
    "--first", default=0, show_default=True, type=click.IntRange(0), metavar="N", help="The first one's seed."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Play this one again, and tell what happened in it.")
@click.option(
    "--channels",
    default=",".join(FIRST),
    show_default=True,
    metavar="NAMES",
    help=f"Which platforms take part: all, or some of {', '.join(STAND_INS)}.",
)
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64), help="How many at once.")
@click.option("--loyalty", is_flag=True, help="Play points and codes as well; a seed tells another story then.")
@json_option
def command(
    seeds: int, first: int, seed: int | None, channels: str, processes: int, loyalty: bool, as_json: bool
) -> int:
    """Let everything go wrong, by a seed, and see what holds.

    The whole system, stand-ins of the platforms included, in one process under a simulated clock. A seed draws who buys what
    where, which webhooks are lost, doubled or late, which answers never come, when tokens are refused, when a platform is down,
    when the disk is full, and when the daemon dies. In the end the ledger is compared with an account kept apart from it.
    A seed always tells the same story.

    \b
    Examples:
      bridge torture --seeds 200
      bridge torture --seed 17
      bridge torture --channels woocommerce,square --json
      bridge torture --channels all --seed 3
      bridge torture --loyalty --seeds 50
    """
    from bridge.rehearsal.scoring import board
    from bridge.rehearsal.torture import tortured

    try:
        names = chosen(channels)
    except ValueError as error:
        raise click.UsageError(f"--channels: {error}") from error
    numbers = [seed] if seed is not None else list(range(first, first + seeds))
    scores = []
    for score in tortured(numbers, names, processes, loyalty=loyalty):
        scores.append(score)
        if not as_json:
            _tell(score, names, whole=seed is not None, loyalty=loyalty)
    total = board(scores)
    if as_json:
        emit(total if seed is None else scores[0])
    else:
        _show(total)
    return 1 if total.failed else 0


def _tell(score: "Score", names: tuple[str, ...], *, whole: bool, loyalty: bool) -> None:
    if whole:
        say("\n".join(score.acted))
        say("\n".join(["", "Oversold, one by one:", *(str(lapse) for lapse in score.lapses)]))
    if not score.clean:
        again = f"bridge torture --seed {score.seed}" + ("" if names == FIRST else f" --channels {','.join(names)}")
        again += " --loyalty" if loyalty else ""
        say(f"seed {score.seed} FAILED; play it again with: {again}")
        say("\n".join(f"  {problem}" for problem in score.problems))
    elif sys.stderr.isatty():
        print(f"\rseed {score.seed} held", end="", file=sys.stderr, flush=True)


def _show(total: "Board") -> None:
    from bridge.rehearsal.lapses import CAUSES

    rows = [
        ("stories", number(total.seeds), f"{len(total.failed)} failed" if total.failed else "all held"),
        ("units sold", number(total.sold), f"in {total.acts:,} acts of shoppers and clerks"),
        ("oversold", number(total.oversold), f"{total.unavoidable:,} of them unavoidable: at the till, or faster than news travel"),
        ("movements lost", number(total.lost), "units, against an account kept apart"),
        ("movements invented", number(total.invented), "units"),
        ("undecided", number(total.undecided), "units where an edit met a write whose answer was lost; taken as gone, and said in `why`"),
        ("webhooks brought", number(total.deliveries), f"{total.lost_deliveries:,} more were lost on the way"),
        ("faults", number(total.faults), f"calls struck, and the daemon died {total.deaths:,} times"),
        *_granted(total),
        ("agreement", f"{total.p50:.0f} s", f"after the last act (median); 99 in 100 by {total.p99:.0f} s, all by {total.longest:.0f} s"),
    ]  # fmt: skip
    rows += _gains(total)
    rows += [(f"  {cause}", number(units), "units oversold: " + CAUSES[cause]) for cause, units in total.causes.items()]
    table("", ["", "number>", ""], rows)


def _granted(total: "Board") -> list[tuple[str, str, str]]:
    says = "times a person gave access anew: a platform had ended a token, and the answer with the next one was lost"
    return [("granted", number(total.granted), says)] if total.granted else []


def _gains(total: "Board") -> list[tuple[str, str, str]]:
    if total.gains is None:
        return []
    it = total.gains
    return [
        ("points earned", number(it.earned), f"{it.spent:,} of them spent, {it.owed:,} owed"),
        ("points lost", number(it.lost), "against the shoppers' own receipts"),
        ("points invented", number(it.invented), "against the shoppers' own receipts"),
        ("codes used", number(it.uses), f"{it.beyond:,} times too often where shared, {it.split_beyond:,} where split or claimed"),
    ]  # fmt: skip
