"""The demo's live table on a terminal; silence elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from bridge.rehearsal.demo import Moment

__all__ = ["Screen", "view"]


class Screen:
    """Where the demo shows itself; without a terminal it says each stage once, on stderr."""

    def __init__(self, live: "Live | None", *, quiet: bool) -> None:
        self._live = live
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Say what is being done."""
        if self._live is not None:
            self._live.console.print(f"[dim]{text}[/dim]")
        elif not self._quiet:
            print(text, file=sys.stderr)

    def show(self, moment: "Moment") -> None:
        """Show how things stand."""
        if self._live is not None:
            self._live.update(_drawn(moment))


@contextmanager
def view(*, quiet: bool) -> Iterator[Screen]:
    """Open the screen."""
    if quiet or not sys.stdout.isatty():
        yield Screen(None, quiet=quiet)
        return
    from rich.live import Live

    with Live(refresh_per_second=4) as live:
        yield Screen(live, quiet=False)


def _drawn(moment: "Moment") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    names = list(moment.calls)
    title = f"{moment.shop_time:5.0f} s of shop time, {moment.acts} acts, {moment.sold} units sold"
    drawn = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    drawn.add_column("SKU")
    drawn.add_column("ledger", justify="right")
    for name in names:
        drawn.add_column(f"{name}\n{moment.calls[name]} calls, {moment.differing[name]} differ", justify="right")
    for sku, (balance, own) in moment.numbers.items():
        cells = [
            f"[green]{own[name]}[/green]" if own[name] == max(0, balance) else f"[yellow]{own[name]}[/yellow]"
            for name in names
        ]
        drawn.add_row(sku, str(balance), *cells)
    return drawn
