"""bridge sandbox"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.errors import StoppedError
from bridge.cli.output import emit, say, table
from bridge.cli.session import json_option, run
from bridge.sandbox import FIRST, STAND_INS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bridge.app.standins import StandIn

__all__ = ["command"]


@click.group(name="sandbox")
def command() -> None:
    """Start stand-ins of the platforms on this machine.

    They speak the platforms' real HTTP interfaces and keep their state in memory. Nothing leaves this machine.

    \b
    Examples:
      bridge sandbox up --config-out config.toml
    """


@command.command()
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    type=click.Choice(["all", *STAND_INS]),
    help=f"This one. Repeatable.  [default: {', '.join(FIRST)}]",
)
@click.option("--seed", default=1, show_default=True, metavar="N", help="Draws stock numbers and made-up chances.")
@click.option("--products", default=6, show_default=True, type=click.IntRange(0, 10_000), help="Products in each shop.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_500),
    metavar="N",
    help="The first one's port, the others get the next ones.  [default: free ones]",
)
@click.option("--config-out", metavar="FILE", help="Write a ready config to this new file.")
@json_option
def up(
    platforms: tuple[str, ...], seed: int, products: int, port: int | None, config_out: str | None, as_json: bool
) -> int:
    """Start the stand-ins and keep them running until Ctrl-C.

    Each has a control door at /__sandbox/: place sales, count, read its own numbers, inject faults. They send their webhooks to
    whoever subscribes on this machine, `bridge run` for one: the config that is written has it listen.

    \b
    Examples:
      bridge sandbox up
      bridge sandbox up --port 9101 --config-out config.toml
      bridge sandbox up --platform square --platform woocommerce --config-out config.toml
      curl -X POST URL/__sandbox/sale -d '{"lines": [{"sku": "TEE-RED-M", "quantity": 1}]}'
    """
    try:
        run(
            _serve(
                STAND_INS if "all" in platforms else platforms or FIRST, seed, products, port or 0, config_out, as_json
            )
        )
    except StoppedError:
        return 0
    return 0


async def _serve(
    platforms: "Iterable[str]", seed: int, products: int, port: int, config_out: str | None, as_json: bool
) -> None:
    from bridge.app.configfile import write_new
    from bridge.app.standins import standing_in

    async with standing_in(tuple(platforms), seed=seed, products=products, port=port) as (stand_ins, config):
        if config_out:
            write_new(Path(config_out), config)
        if as_json:
            # One line: whoever started us reads it and goes on, while we keep running.
            emit({"platforms": stand_ins, "config": config, "config_file": config_out}, pretty=False)
        else:
            _show(stand_ins, config, config_out)
        _flush()
        await asyncio.Event().wait()


def _show(stand_ins: "Sequence[StandIn]", config: str, config_out: str | None) -> None:
    table("Stand-ins", ["channel", "platform", "url", "control door"],
          [(one.channel, one.platform, one.url, one.control) for one in stand_ins])  # fmt: skip
    if config_out:
        say(f"config written to {config_out}. Next, in another terminal: `bridge adopt --config {config_out}`")
    else:
        say("A config for them:\n")
        say(config)
    say("Ctrl-C ends them, and what they hold.")


def _flush() -> None:
    """Whoever started us through a pipe waits for these lines."""
    import sys

    sys.stdout.flush()
