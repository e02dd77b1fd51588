"""Points against a reference, and the balances of many customers recomputed.

First, random histories (bench/histories.py), each compared with what its final orders alone come to (bench/retold.py). One that fails
is told again by `python -m bench.points --seed N`. Then a database of many customers: every balance against the sum of its movements,
and against the replay of all lots and spends.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy.engine import Connection

from bench.histories import START
from bench.report import Figure, Result, command
from bench.retold import faults, opened
from bridge.domain.earning import EarnTerms
from bridge.domain.ledger import Movement
from bridge.domain.points import points
from bridge.engine import accounts
from bridge.engine.context import Context, Rules
from bridge.engine.desk import Desk
from bridge.store import ledger, schema
from bridge.store import points as store
from bridge.store.database import Database
from bridge.store.points import LotRow, SpendRow

__all__ = ["measure"]

_LOTS = 4
_AT_ONCE = 2_000
_NOW = START + timedelta(days=365)
_TERMS = EarnTerms(version="bench", rate="1/100", with_tax=False, pending_days=14, expires_days=300)


def measure(options: argparse.Namespace) -> Result:
    """Measure with `options.histories` and `options.customers`."""
    seeds = range(options.histories) if options.seed is None else [options.seed]
    wrong, seconds = _histories(seeds)
    figures = [
        Figure(
            what=f"histories that differ from the reference, of {len(seeds):,}", measured=wrong, unit="histories", bar=0, side="exactly"
        ),
        Figure(what="a history, told and compared", measured=1_000 * seconds / len(seeds), unit="ms"),
    ]  # fmt: skip
    if options.seed is None:
        figures += _customers(options.customers)
    notes = [
        f"A customer has {_LOTS} lots, one of which has expired for half of them, and a spend; one in ten owes points."
    ]
    return Result(bench="points", figures=figures, notes=notes)


def _histories(seeds: "range | list[int]") -> tuple[int, float]:
    start, wrong = time.perf_counter(), 0
    with opened() as database:
        for seed in seeds:
            if found := faults(database, seed):
                wrong += 1
                print(f"seed {seed} (python -m bench.points --seed {seed}):", *found, sep="\n  ", file=sys.stderr)
    return wrong, time.perf_counter() - start


def _customers(count: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(str(Path(folder) / "bridge.db"))
        schema.ensure(database)
        _fill(database, count)
        start = time.perf_counter()
        differing = database.read(ledger.prove)
        proven = time.perf_counter() - start
        start = time.perf_counter()
        replayed = database.read(lambda connection: accounts.prove(connection, _NOW))
        seconds = time.perf_counter() - start
        database.close()
    return [
        Figure(what=f"balances of {count:,} customers from the ledger", measured=proven, unit="s", bar=10),
        Figure(what="of them other than kept", measured=len(differing), unit="balances", bar=0, side="exactly"),
        Figure(what=f"accounts of {count:,} customers replayed from their lots", measured=seconds, unit="s", bar=10),
        Figure(what="of them other than kept", measured=len(replayed), unit="balances", bar=0, side="exactly"),
    ]


def _fill(database: Database, count: int) -> None:
    """Give customers lots and spends, and book them as orders do: each lot and spend a movement, and what has expired by now."""
    nobody = cast(Any, None)
    context = Context(database=database, channels={}, rules=Rules(), now=lambda: _NOW, sleep=nobody, rng=nobody)
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        database.write(lambda connection, numbers=numbers: _page(connection, context, numbers))  # type: ignore[misc]


def _page(connection: Connection, context: Context, numbers: range) -> None:
    desk = Desk(connection, context, _NOW)
    lots = [row for number in numbers for row in _lots(number)]
    spends = [_spend(number) for number in numbers]
    store.save_lots(connection, lots)
    store.save_spends(connection, spends)
    for lot in lots:
        desk.move(_movement(lot.person, lot.kept, lot.id, lot.earned_at))
    for spend in spends:
        desk.move(_movement(spend.person, -spend.points, spend.id, spend.at))
    accounts.settle(connection, context, desk, [spend.person for spend in spends])
    desk.close()


def _lots(number: int) -> Iterator[LotRow]:
    for lot in range(_LOTS):
        at = START + timedelta(days=40 + 60 * lot if number % 2 else 70 + 60 * lot, minutes=number % 1_440)
        kept = 10 + (number * 7 + lot * 3) % 50
        yield LotRow(
            id=f"web/{number}/{lot}", person=f"cust_{number:08d}", channel="web", order_id=f"{number}-{lot}", line_id="1", earned=kept,
            kept=kept, earned_at=at, spendable_at=at + timedelta(days=14), expires_at=at + timedelta(days=300), terms=_TERMS,
        )  # fmt: skip


def _spend(number: int) -> SpendRow:
    units = 5 + number % 30 if number % 10 else 400
    at = START + timedelta(days=90 + number % 200)
    return SpendRow(
        id=f"web/{number}/code", person=f"cust_{number:08d}", points=units, at=at, channel="web", source=f"{number}"
    )


def _movement(person: str, delta: int, unique: str, at: datetime) -> Movement:
    return Movement(
        counter=points(person), delta=delta, why="earn" if delta > 0 else "burn", unique=unique, channel="web", source=unique,
        occurred_at=at,
    )  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--histories", type=int, default=10_000, help="how many random histories (default: %(default)s)"
    )
    parser.add_argument("--customers", type=int, default=100_000, help="how many customers (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="tell the history of this one seed only")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
