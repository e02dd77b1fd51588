"""The `bridge` command: its subcommands by name, loaded when used, and how everything that goes wrong is told."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from bridge.cli.errors import FAILED, USAGE, StoppedError, tell, told

__all__ = ["COMMANDS", "bridge", "main"]

# name -> (module, what it does in one line). The line stands here too, so that `bridge --help` loads no command.
COMMANDS = {
    "init": ("init", "Write a config: asks platform by platform."),
    "check": ("check", "Verify credentials, scopes, clocks, locations; prove the ledger."),
    "link": ("link", "Show which listing is which SKU, or say so by hand."),
    "adopt": ("adopt", "Compare the channels' numbers, then open the ledger."),
    "plan": ("plan", "Show every write that sync would make. Changes nothing."),
    "sync": ("sync", "Read every channel and write what differs."),
    "run": ("run", "Keep all channels in step until stopped: the daemon."),
    "status": ("status", "Show how things stand, channel by channel."),
    "why": ("why", "Explain the numbers of one SKU."),
    "history": ("history", "List the newest movements of the ledger."),
    "conflicts": ("conflicts", "List product fields that both sides changed."),
    "parked": ("parked", "List what was set aside, with the reason."),
    "retry": ("retry", "Take parked items back in."),
    "approve": ("approve", "Let a plan through that the guard held back."),
    "audit": ("audit", "Re-read every number of a channel."),
    "webhooks": ("webhooks", "Show what the platforms tell us by webhook, and repair it."),
    "hold": ("hold", "Reserve units: add, release, list."),
    "customer": ("customer", "Show who buys: accounts, points, codes; merge, export, forget."),
    "points": ("points", "Show, correct and redeem a customer's points."),
    "coupon": ("coupon", "Make codes that work everywhere, and see where they were used."),
    "password": ("password", "Make the password of the daemon's page."),
    "token": ("token", "Make a token for a script or a till."),
    "shell": ("shell", "Open a Python prompt with a platform's official client."),
    "sandbox": ("sandbox", "Start stand-ins of the platforms on this machine."),
    "torture": ("torture", "Let everything go wrong, by a seed, and see what holds."),
    "demo": ("demo", "Watch shops stay in step, on this machine alone."),
}


class LazyGroup(click.Group):
    """Loads a subcommand's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"bridge.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            guess = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"There is no command {args[0]}.{guess}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="commerce-bridge", prog_name="bridge")
def bridge() -> None:
    """Keep stock, orders and products consistent between your shops and tills.

    \b
    First steps:
      bridge init                   write the config
      bridge check                  are the credentials right?
      bridge adopt                  how do the numbers differ today?
      bridge adopt --open shop      the shop's numbers count
      bridge sync                   bring everything in step, once
      bridge run                    keep everything in step, for good

    Every command takes --json. Exit codes: 0 done, 1 failed, 2 usage, 3 needs a person.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    # Modules and rows stay: collecting after every 700 new objects costs a tenth of the start and finds nothing.
    gc.set_threshold(50_000, 20, 20)
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    finally:
        # The interpreter's last collection would look through every loaded module once more: a quarter of `bridge status`.
        gc.freeze()


def _run(words: list[str]) -> int:
    as_json = "--json" in words
    try:
        code = bridge.main(args=words, prog_name="bridge", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        if as_json:
            return tell(error.format_message(), "", "see --help", code=USAGE, as_json=True)
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        known = told(StoppedError(), as_json=as_json)
        assert known is not None
        return known
    except BrokenPipeError:
        # Whoever read our output has gone (`bridge history | head`): what is left goes nowhere. 1, as click has it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        known = told(error, as_json=as_json)
        if known is None:
            raise
        return known
    return code if isinstance(code, int) else 0
