"""Commands without the wait for their imports: a process that has imported all of it forks for each.

A command is a process of its own all the same, with the environment, the folder and the exit code that the real one has. The import is
most of what a short command takes, and the acceptance tests run hundreds of them.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

__all__ = ["Warm"]

# What no command loads that these tests run to its end, and what only alembic can load.
_COLD = ("bridge.sandbox", "bridge.rehearsal", "bridge.store.migrations.")


class Warm:
    """The process that forks. It is started with the first command, and ends with the process that has started it."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], patience: float
    ) -> tuple[int, str, str]:
        """Run `bridge` with these words to its end; return its exit code and what it printed to both streams."""
        with tempfile.TemporaryDirectory() as scratch:
            streams = [Path(scratch) / "out", Path(scratch) / "err"]
            asked = {
                "words": list(words),
                "folder": str(folder),
                "environment": dict(environment),
                "streams": [*map(str, streams)],
            }
            code = self._ask(json.dumps(asked), patience)
            out, err = (stream.read_text() for stream in streams)
        return code, out, err

    def _ask(self, line: str, patience: float) -> int:
        server = self._running()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{line}\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], patience)[0]:
            server.kill()
            self._server = None
            raise TimeoutError(f"the command has not ended within {patience:g} s: {line}")
        return int(server.stdout.readline())

    def _running(self) -> "subprocess.Popen[str]":
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.warm"], cwd=Path(__file__).parents[2], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        return self._server


def _serve() -> None:
    """Fork for every line that is asked, until nobody asks any more."""
    main = import_module("bridge.cli").main
    for package in ("bridge", "connectors"):
        for one in walk_packages(import_module(package).__path__, f"{package}."):
            if not one.name.startswith(_COLD):
                import_module(one.name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
            sys.exit(main())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(asked: Mapping[str, object]) -> None:
    """Take on what the command would have been started with."""
    words, environment, streams = asked["words"], asked["environment"], asked["streams"]
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    assert isinstance(streams, list)
    os.chdir(str(asked["folder"]))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["bridge", *words]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)


if __name__ == "__main__":
    _serve()
