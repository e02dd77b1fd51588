"""Which listing has which SKU, on a platform that cannot be asked for it: needed before a listing is made."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.contract.errors import BridgeError
from bridge.domain.catalog import Product
from bridge.wire.product_edits import single

__all__ = ["Listed", "SkuIndex"]

# How long it is remembered between two creations: reading all listings takes many calls.
_REMEMBERED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing and its SKUs; `title` is that of one that was begun and has none yet, "" of all others."""

    id: str
    skus: tuple[str, ...]
    title: str = ""


class SkuIndex:
    """Reads all listings when it is asked, and remembers them for ten minutes. `where` is the channel's name."""

    def __init__(self, walk: Callable[[], AsyncIterator[Listed]], now: Callable[[], datetime], where: str) -> None:
        self._walk = walk
        self._now = now
        self._where = where
        self._known: dict[str, str] = {}
        self._begun: dict[str, str] = {}
        self._read_at: datetime | None = None

    async def find(self, product: Product) -> str:
        """Return the listing that has SKUs of a product, "" where none has; raises Refused where several do."""
        await self._remember()
        there = [self._known[own.sku] for own in product.variants if own.sku in self._known]
        return single(there, product, self._where)

    def begun(self, title: str) -> str:
        """Return the listing of this title that was begun and not finished, as of the last `find`; "" where there is none."""
        return self._begun.get(title, "")

    def note(self, product: Product, listing: str) -> None:
        """Add a listing that was just made; it is begun no longer."""
        self._begun = {title: one for title, one in self._begun.items() if one != listing}
        self._known |= {own.sku: listing for own in product.variants if own.sku}

    def forget(self) -> None:
        """Read again next time: whether a listing was made is not known."""
        self._read_at = None

    @contextmanager
    def making(self) -> Iterator[None]:
        """Make a listing within. Where that fails, whether there is one now is not known: all are read again next time."""
        try:
            yield
        except BridgeError:
            self.forget()
            raise

    async def _remember(self) -> None:
        now = self._now()
        if self._read_at is not None and now - self._read_at < _REMEMBERED:
            return
        self._known, self._begun = {}, {}
        async for one in self._walk():
            self._known |= dict.fromkeys(one.skus, one.id)
            if one.title:
                self._begun[one.title] = one.id
        self._read_at = now
