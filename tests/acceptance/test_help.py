"""What the command says about itself, and how little it loads to say it."""

import json
import subprocess
import sys

import click
import pytest

from bridge.cli.group import COMMANDS, bridge
from tests.acceptance.house import BRIDGE, Bridge

LIGHT = ("--help", "--version")
# What only commands that call channels need, or people at a terminal, or a migration.
HEAVY = {
    "httpx",
    "rich",
    "sqlalchemy.orm",
    "alembic",
    "uvicorn",
    "starlette",
    "asyncio",
    "woocommerce",
    "shopify",
    "square",
}


def loaded_by(words: list[str], folder: str) -> set[str]:
    """Return the modules that a command loads."""
    code = (
        "import json, sys; from bridge.cli import main; code = main(sys.argv[1:]);"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, check=True)
    exit_code, modules = json.loads(ran.stderr.splitlines()[-1])
    assert exit_code == 0, ran.stdout
    return set(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_help_that_the_list_promises(name: str) -> None:
    command = bridge.get_command(click.Context(bridge), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]
    for one in [command, *(command.commands.values() if isinstance(command, click.Group) else ())]:
        assert one.help is not None
        assert "Examples:" in one.help, one.name
        if not isinstance(one, click.Group):
            assert "--json" in {flag for option in one.params for flag in option.opts}, one.name


@pytest.mark.parametrize("word", LIGHT)
def test_help_loads_nothing_but_click(bridge_folder: str, word: str) -> None:
    loaded = loaded_by([word], bridge_folder)
    assert not loaded & (HEAVY | {"sqlalchemy", "pydantic", "msgspec", "tomllib"})


@pytest.mark.parametrize("words", [["status"], ["why", "TEE"], ["history"], ["parked"], ["conflicts"]])
def test_looking_loads_no_http_and_no_event_loop(adopted: Bridge, words: list[str]) -> None:
    loaded = loaded_by(words, str(adopted.folder))
    assert not loaded & (HEAVY - {"asyncio"})
    assert not {name for name in loaded if name.startswith(("connectors.", "bridge.wire", "bridge.engine"))}


@pytest.mark.parametrize(("words", "code"), [(["history", "--json"], 0), (["why", "NOBODY"], 1), (["stats"], 2)])
def test_the_installed_command_does_what_the_one_does_that_the_tests_run(
    adopted: Bridge, words: list[str], code: int
) -> None:
    """The tests spare themselves its imports."""
    cold = subprocess.run(
        [BRIDGE, *words], cwd=adopted.folder, env=adopted.environment, capture_output=True, text=True, check=False
    )
    warm = adopted(*words, code=None)
    assert (warm.code, warm.out, warm.err) == (cold.returncode, cold.stdout, cold.stderr)
    assert cold.returncode == code


@pytest.fixture
def bridge_folder(bridge: Bridge) -> str:
    """An empty folder."""
    return str(bridge.folder)


def test_output_that_nobody_reads_any_more_ends_it_without_a_word(adopted: Bridge) -> None:
    running = adopted.start("history", "--json")
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    with running.stderr:
        assert running.stderr.read() == ""
    assert running.wait() == 1
