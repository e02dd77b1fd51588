"""The files in deploy/ fit the program: commands, paths, ports and sizes are those it really has."""

import configparser
import random
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import click
import pytest
from starlette.routing import Mount, Route

from bridge.app import App
from bridge.cli.group import COMMANDS
from bridge.config import parse
from bridge.config.model import DaemonTable
from bridge.engine.inbox import Inbox
from bridge.webserver import hooks
from bridge.webserver.server import build
from bridge.webserver.web import Health, Web

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LISTEN = DaemonTable().listen
PORT = LISTEN.rpartition(":")[2]
PROBES = {"/health", "/ready", "/metrics"}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def paths() -> Iterator[list[str]]:
    """An example path of every route of the server but the one for everything else."""
    config = '[channels.shop]\nplatform = "woocommerce"\nurl = "https://shop.example"\n'
    with App.unsaved(parse(config, file=Path("config.toml"), environment={})) as app:
        inbox = Inbox(app.database, {}, lambda: datetime.now(UTC), lambda _: None, threads=False)
        served = build(Web(app=app, inbox=inbox, health=Health, poke=lambda: None))
        yield [_example(route) for route in served.routes if getattr(route, "path", "") != "/{rest:path}"]


def _example(route: object) -> str:
    assert isinstance(route, Route | Mount)
    path = re.sub(r"\{[^}]*\}", "shop", route.path)
    return f"{path}/skus" if isinstance(route, Mount) else path


def expected(path: str) -> tuple[str, int]:
    """Who may come through a proxy to a path, and how much they may send."""
    if path.startswith("/hooks/"):
        return "anybody", hooks.MOST_BYTES
    return ("nobody", 0) if path in PROBES else ("inside", MIB)


def command_of(words: list[str]) -> click.Command:
    """Return the subcommand that a command line calls; every option of it must be one that it has."""
    assert words[0].rpartition("/")[2] == "bridge"
    command: click.Command = import_module(f"bridge.cli.{COMMANDS[words[1]][0]}").command
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words[2:] if word.startswith("-")} <= known
    return command


# The unit


@pytest.fixture(scope="module")
def unit() -> configparser.ConfigParser:
    """The unit; of a key that stands there twice, the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "bridge.service")
    return parser


def test_the_unit_runs_the_daemon(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    assert command_of(shlex.split(service["ExecStart"])).name == "run"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (service["Restart"], service["User"], service["ProtectSystem"]) == ("on-failure", "bridge", "strict")
    # Eight seconds for what is under way and three for connections (bridge/engine/live.py, bridge/daemon/daemon.py).
    assert int(service["TimeoutStopSec"]) > 11
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert unit["Install"]["WantedBy"] == "multi-user.target"


def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    text = (DEPLOY / "bridge.service").read_text()
    file = tmp_path / "bridge.service"
    # The program does not stand at its place on this machine.
    file.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    ran = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    assert [line for line in ran.stderr.splitlines() if "bridge.service" in line] == []


# The container


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, with what they are about."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_container_runs_the_daemon_as_nobody_special(steps: list[tuple[str, str]]) -> None:
    last = dict(steps)
    words: list[str] = re.findall(r'"([^"]+)"', last["CMD"])
    assert command_of(words).name == "run"
    assert last["USER"] == "bridge"
    assert last["EXPOSE"] == PORT
    assert f"http://127.0.0.1:{PORT}/health" in last["HEALTHCHECK"]
    assert "BRIDGE_CONFIG=/var/lib/bridge/config.toml" in last["ENV"]


def test_the_container_copies_what_is_there_and_what_the_package_needs(steps: list[tuple[str, str]]) -> None:
    own = [what.split() for name, what in steps if name == "COPY" and not what.startswith("--from")]
    copied = {source for words in own for source in words[:-1]}
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {"pyproject.toml", "requirements.lock", "README.md", "LICENSE", "bridge", "connectors"} <= copied


def test_the_container_has_a_python_that_will_do(steps: list[tuple[str, str]]) -> None:
    wanted = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    found = [re.search(r"python:3\.(\d+)-slim", what) for name, what in steps if name == "FROM"]
    assert wanted is not None
    assert all(one is not None and int(one[1]) >= int(wanted[1]) for one in found)


# The proxies


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a proxy's config: which paths it takes, who may come, and what they may send."""

    takes: Callable[[str], bool]
    who: str
    size: int


def of_nginx() -> list[Place]:
    """The locations in the order in which nginx asks them: regular expressions first, then the longest prefix."""
    text = (DEPLOY / "nginx.conf").read_text()
    found = re.findall(r"location (~ )?(\S+) \{(.*?)\n    \}", text, re.DOTALL)
    ordered = sorted(found, key=lambda one: (not one[0], -len(one[1])))
    return [Place(_matching(pattern, regex=bool(kind)), *_of_nginx(body)) for kind, pattern, body in ordered]


def _matching(pattern: str, *, regex: bool) -> Callable[[str], bool]:
    return (lambda path: re.search(pattern, path) is not None) if regex else (lambda path: path.startswith(pattern))


def _of_nginx(body: str) -> tuple[str, int]:
    if "proxy_pass http://bridge;" not in body:
        assert "return 404;" in body
        return "nobody", 0
    size = re.search(r"client_max_body_size (\d+)m;", body)
    assert size is not None
    return "inside" if "deny all;" in body else "anybody", int(size[1]) * MIB


def of_caddy() -> list[Place]:
    """The handles in the order in which Caddy asks them: with paths first, without any last."""
    text = (DEPLOY / "Caddyfile").read_text()
    inside = re.search(r"@inside \{\n\t\tpath (.+)\n\t\tremote_ip private_ranges\n\t\}", text)
    assert inside is not None
    named = {"@inside ": ("inside", inside[1].split()), "/hooks/* ": ("anybody", ["/hooks/*"]), "": ("nobody", ["/*"])}
    places = []
    for matcher, body in re.findall(r"\thandle (\S+ )?\{(.*?)\n\t\}", text, re.DOTALL):
        who, patterns = named[matcher]
        size = re.search(r"max_size (\d+)MiB", body)
        assert (size is None) == ("reverse_proxy" not in body) == (who == "nobody")
        places.append(Place(_starred(patterns), who, int(size[1]) * MIB if size else 0))
    return places


def _starred(patterns: list[str]) -> Callable[[str], bool]:
    wanted = re.compile("|".join(re.escape(one).replace(r"\*", ".*") for one in patterns))
    return lambda path: wanted.fullmatch(path) is not None


@pytest.mark.parametrize("places", [of_nginx(), of_caddy()], ids=["nginx", "caddy"])
def test_a_proxy_lets_everybody_to_the_webhooks_and_its_own_people_to_the_rest(
    places: list[Place], paths: list[str]
) -> None:
    found = {path: next((one.who, one.size) for one in places if one.takes(path)) for path in paths}
    assert found == {path: expected(path) for path in paths}
    assert {"/hooks/shop", "/", "/login", "/api/v1/skus", "/metrics"} <= set(paths)


@pytest.mark.parametrize("places", [of_nginx(), of_caddy()], ids=["nginx", "caddy"])
def test_what_nobody_serves_ends_at_the_proxy(places: list[Place]) -> None:
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz-_."
    for path in [
        "/hook",
        "/hooks",
        "/apix",
        "/api/v2/x",
        "/.env",
        *("/" + "".join(rng.choices(letters, k=9)) for _ in range(50)),
    ]:
        assert next(one.who for one in places if one.takes(path)) == "nobody", path


def test_a_proxy_goes_to_where_the_daemon_listens() -> None:
    assert re.findall(r"reverse_proxy (\S+)", (DEPLOY / "Caddyfile").read_text()) == [LISTEN, LISTEN]
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert re.findall(r"^    server (\S+);", nginx, re.MULTILINE) == [LISTEN]
    for header in ("Host $host", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme"):
        assert f"proxy_set_header {header};" in nginx


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_every_brace_is_closed(name: str) -> None:
    text = re.sub(r"#.*", "", (DEPLOY / name).read_text())
    assert text.count("{") == text.count("}")
