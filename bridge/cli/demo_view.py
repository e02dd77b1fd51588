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

# So many channels have room for words in their columns' heads.
_WIDE = 4


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
    if len(names) > _WIDE:
        return _narrow(moment)
    title = f"{moment.shop_time:5.0f} s of shop time, {moment.acts} acts, {moment.sold} units sold"
    drawn = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    drawn.add_column("SKU")
    drawn.add_column("ledger", justify="right")
    for name in names:
        drawn.add_column(f"{name}\n{moment.calls[name]} calls, {moment.differing[name]} differ", justify="right")
    _fill(drawn, moment)
    return drawn


def _narrow(moment: "Moment") -> "Table":
    """Many channels: their names wrap, and what they cost and lack stands in two rows of its own, so that 80 columns do."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"{moment.shop_time:5.0f} s of shop time, {moment.acts} acts, {moment.sold} units sold"
    drawn = Table(title=title, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    drawn.add_column("SKU", no_wrap=True)
    drawn.add_column("ledger", justify="right")
    for name in moment.calls:
        drawn.add_column(name, justify="right", max_width=6, overflow="fold")
    drawn.add_row("API calls", "", *(str(calls) for calls in moment.calls.values()))
    drawn.add_row("differing", "", *(str(count) for count in moment.differing.values()), end_section=True)
    _fill(drawn, moment)
    return drawn


def _fill(drawn: "Table", moment: "Moment") -> None:
    for sku, (balance, own) in moment.numbers.items():
        cells = [
            f"[green]{units}[/green]" if units == max(0, balance) else f"[yellow]{units}[/yellow]"
            for units in (own[name] for name in moment.calls)
        ]
        drawn.add_row(sku, str(balance), *cells)
