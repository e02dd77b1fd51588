"""The points port: the balance is shown in the account's meta `loyalty_points`, a display copy.

The shop keeps no ledger of points, and a write is absolute (20 parallel additions of 10 gave 70 of 200): the bridge counts,
the shop shows. Themes and plugins read the field with get_user_meta.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Feed
from bridge.contract.loyalty import PointsEvent, PointsResult, PointsShown, PointsWrite
from connectors.woocommerce.customers import POINTS, Customers, points_of
from connectors.woocommerce.limits import LIMITS
from connectors.woocommerce.mapping import identifier, text_of
from connectors.woocommerce.rest import Rest

__all__ = ["Points"]


class Points:
    """What one shop shows of its customers' points."""

    events: Feed[PointsEvent] | None = None

    def __init__(self, rest: Rest, customers: Customers) -> None:
        self._rest = rest
        self._customers = customers

    async def read(self, writes: Sequence[PointsWrite]) -> Sequence[PointsShown]:
        """Read what is shown now, 100 accounts a call; None where nothing is, or the account is no more."""
        rows = await self._customers.rows([one.customer for one in writes])
        shown = {identifier(row.get("id")): points_of(row) for row in rows}
        return [PointsShown(balance=shown.get(one.customer)) for one in writes]

    async def show(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        """Write up to 100 balances in one call, and believe the answer only where it shows them.

        Raises TryLater(maybe_applied=True) if the answer was lost; reading then tells.
        """
        if len(writes) > LIMITS.points_batch:
            raise Refused(f"a points batch has up to {LIMITS.points_batch} rows, not {len(writes)}")
        results = [_unfit(one) for one in writes]
        fit = [one for one, wrong in zip(writes, results, strict=True) if wrong is None]
        told = iter(await self._write(fit) if fit else ())
        return [wrong or next(told) for wrong in results]

    async def _write(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        body = {"update": [_row(one) for one in writes]}
        answer = await self._rest.write("show points", "POST", "customers/batch", body)
        rows = answer.payload.get("update") if isinstance(answer.payload, Mapping) else None
        if not isinstance(rows, list) or len(rows) != len(writes):
            raise TryLater(
                f"show points: {len(writes)} rows sent, the shop's answer does not name them all",
                where=self._rest.http.where,
                maybe_applied=True,
            )
        return [_result(write, row) for write, row in zip(writes, rows, strict=True)]


def _unfit(write: PointsWrite) -> PointsResult | None:
    if not write.customer.isdecimal():
        return PointsResult(customer=write.customer, kind="gone", reason="that is no account of WooCommerce")
    if type(write.balance) is not int or write.balance < 0:
        reason = f"a balance of {write.balance!r} cannot be shown"
        return PointsResult(customer=write.customer, kind="refused", reason=reason)
    return None


def _row(write: PointsWrite) -> dict[str, Any]:
    return {"id": int(write.customer), "meta_data": [{"key": POINTS, "value": str(write.balance)}]}


def _result(write: PointsWrite, row: Any) -> PointsResult:
    row = row if isinstance(row, Mapping) else {}
    error = row.get("error")
    if isinstance(error, Mapping):
        code = text_of(error, "code")
        # wc_user_invalid_id since 10, woocommerce_rest_invalid_id before.
        kind: Any = "gone" if code.endswith("_invalid_id") else "refused"
        return PointsResult(customer=write.customer, kind=kind, reason=f"{text_of(error, 'message')} [{code}]")
    shown = points_of(row)
    if shown != write.balance:
        reason = (
            f"the shop shows {shown} after {write.balance} was written: does another plugin keep the field {POINTS}?"
        )
        return PointsResult(customer=write.customer, kind="refused", balance=shown, reason=reason)
    return PointsResult(customer=write.customer, kind="done", balance=shown)
