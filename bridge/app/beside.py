"""Commands beside a daemon: which ones may work on its database, and what to do instead of those that may not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bridge.store.errors import BusyError

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["at_work"]

_STOPPED = "stop it first (`systemctl stop bridge`, or Ctrl-C), and start it again afterwards: it goes on where it was"
_INSTEAD = {
    "sync": "no need: it reads and writes all the time; `bridge status` tells how far it is",
    "plan": "nothing waits for a plan while it runs; `bridge plan --offline` shows what is left to write this moment",
    "audit": "no need: it verifies every number within audit.max_age; `bridge status` tells the age of the oldest look",
    "run": "one is enough: `bridge status` tells how it gets on",
}


@contextmanager
def at_work(app: "App", command: str, *, beside: bool = False) -> Iterator[None]:
    """Be the only process at work on the database, or (`beside`) work along with a daemon; raises BusyError naming the other.

    What may work beside it changes the database alone, in units that the daemon finds done or not begun: it looks there anew in
    every pass. `app.beside` tells that it does.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(app.database.alone(f"bridge {command}"))
        except BusyError as error:
            if not error.daemon:
                raise
            if not beside:
                raise BusyError(error.other, _INSTEAD.get(command, _STOPPED)) from error
            app.beside = True
        yield
