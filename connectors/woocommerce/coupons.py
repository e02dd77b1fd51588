"""The coupons port: a code is a coupon of its own, and a hundred are written in one call."""

from asyncio import gather
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Bad, Page
from bridge.contract.loyalty import CouponResult, CouponState, CouponWrite
from bridge.domain.coupons import CouponTerms, normal_code
from bridge.wire.paging import by_number
from connectors.woocommerce import coupon_mapping
from connectors.woocommerce.coupon_mapping import coupon_body, coupon_state
from connectors.woocommerce.limits import AHEAD, LIMITS
from connectors.woocommerce.mapping import Unreadable, identifier, text_of
from connectors.woocommerce.rest import Rest, Row, Rows
from connectors.woocommerce.shop import Shop

__all__ = ["Coupons"]

_FEW = 3
_TAKEN = "woocommerce_rest_coupon_code_already_exists"
_KEPT = ("usage_limit", "usage_limit_per_user")


class Coupons:
    """The coupon codes of one shop. WooCommerce shows their uses at once, but two orders at one moment may both get the last."""

    def __init__(self, rest: Rest, shop: Shop) -> None:
        self._rest = rest
        self._shop = shop

    def objections(self, terms: CouponTerms) -> Sequence[str]:
        """Say what of these terms WooCommerce cannot express."""
        return coupon_mapping.objections(terms)

    def batches(self, writes: Sequence[CouponWrite]) -> Sequence[Sequence[CouponWrite]]:
        """Split by 100: new codes and changed ones go in one call."""
        size = LIMITS.coupon_batch
        return [writes[at : at + size] for at in range(0, len(writes), size)]

    async def write(self, writes: Sequence[CouponWrite], key: str) -> Sequence[CouponResult]:  # noqa: ARG002 there are no keys
        """Create or change one batch. A row that cannot be written is refused by itself, the others go.

        A coupon that somebody put into the trash, or made a draft, is gone: lists and checkout do not know it either.
        """
        if not 1 <= len(writes) <= LIMITS.coupon_batch:
            raise Refused(f"a batch of codes has 1 to {LIMITS.coupon_batch} rows, not {len(writes)}")
        currency = await self._shop.currency()
        planned = [_planned(write, currency) for write in writes]
        sent = [
            (write, body) for write, body in zip(writes, planned, strict=True) if not isinstance(body, CouponResult)
        ]
        told = iter(await self._send(sent) if sent else ())
        return [one if isinstance(one, CouponResult) else next(told) for one in planned]

    async def _send(self, sent: Sequence[tuple[CouponWrite, dict[str, Any]]]) -> Sequence[CouponResult]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for write, body in sent:
            groups.setdefault(_group(write), []).append(body)
        answer = await self._rest.write("write coupons", "POST", "coupons/batch", groups)
        given = answer.payload if isinstance(answer.payload, Mapping) else {}
        rows = {name: given.get(name) for name in groups}
        if any(
            not isinstance(rows[name], list) or len(rows[name] or ()) != len(group) for name, group in groups.items()
        ):
            raise TryLater(
                f"write coupons: {len(sent)} rows sent, the shop's answer does not name them all",
                where=self._rest.http.where,
                maybe_applied=True,
            )
        told = {name: iter(group or ()) for name, group in rows.items()}
        return [_result(write, body, next(told[_group(write)])) for write, body in sent]

    async def find(self, codes: Sequence[str]) -> Sequence[CouponState]:
        """Look codes up: one call each, or the whole list where that takes fewer. Drafts have no code, and are not found."""
        wanted = list(dict.fromkeys(normal_code(code) for code in codes if code.strip()))
        if not wanted:
            return ()
        rows = await self._listed(at_most=len(wanted)) if len(wanted) > _FEW else None
        if rows is None:
            pages = await gather(*(self._rest.rows("find coupon", "coupons", code=code) for code in wanted))
            rows = [row for page in pages for row in page.rows]
        currency = await self._shop.currency() if rows else ""
        # Of several coupons of one code the newest that is published counts at the checkout.
        rows = sorted(rows, key=lambda row: (row.get("status") == "publish", int(identifier(row.get("id")) or 0)))
        found = {
            normal_code(one.code): one for one in (_read(row, currency) for row in rows) if isinstance(one, CouponState)
        }
        return [found[code] for code in wanted if code in found]

    async def _listed(self, at_most: int) -> list[Row] | None:
        """Read all coupons, or None where that takes more calls than `at_most`."""

        async def fetch(number: int) -> tuple[Rows, int]:
            page = await self._rest.rows("read coupons", "coupons", page=str(number), orderby="id", order="asc")
            return page, page.pages if page.pages <= at_most else 0

        pages = [page async for page in by_number(fetch, ahead=AHEAD)]
        return [row for page in pages for row in page.rows] if all(page.pages <= at_most for page in pages) else None

    async def all(self) -> AsyncIterator[Page[CouponState]]:
        """Read every code. Drafts are in no list of the shop: nobody can use them either."""
        async for page in self._rest.whole("read coupons", "coupons"):
            currency = await self._shop.currency() if page.rows else ""
            # Versions differ in whether the trash is listed.
            found = [_read(row, currency) for row in page.rows if row.get("status") != "trash"]
            yield Page(
                items=tuple(one for one in found if isinstance(one, CouponState)),
                bad=tuple(one for one in found if isinstance(one, Bad)),
                as_of=page.at,
                total=page.total,
            )


def _group(write: CouponWrite) -> str:
    return "update" if write.id else "create"


def _planned(write: CouponWrite, currency: str) -> dict[str, Any] | CouponResult:
    """The row to send, or why it is not sent."""
    if write.id and not write.id.isdecimal():
        return CouponResult(code=write.code, kind="gone", id=write.id, reason="that is no coupon of WooCommerce")
    try:
        body = coupon_body(write, currency)
    except Refused as error:
        return CouponResult(code=write.code, kind="refused", id=write.id, reason=error.what)
    return {"id": int(write.id), **body} if write.id else {**body, "status": "publish", "description": write.group}


def _result(write: CouponWrite, body: Mapping[str, Any], row: Any) -> CouponResult:
    row = row if isinstance(row, Mapping) else {}
    error = row.get("error")
    if isinstance(error, Mapping):
        code, reason = text_of(error, "code"), f"{text_of(error, 'message')} [{text_of(error, 'code')}]"
        kind: Any = "taken" if code == _TAKEN else "gone" if code.endswith("_invalid_id") else "refused"
        # The id of the other coupon is not told.
        return CouponResult(code=write.code, kind=kind, id="" if kind == "taken" else write.id, reason=reason)
    found = identifier(row.get("id"))
    if write.id and row.get("status") != "publish":
        reason = f"somebody took it out of use: its status is {text_of(row, 'status')!r}"
        return CouponResult(code=write.code, kind="gone", id=found, reason=reason)
    if otherwise := _otherwise(body, row):
        reason = f"the shop kept {', '.join(otherwise)} otherwise than written: does another plugin change coupons?"
        return CouponResult(code=write.code, kind="refused", id=found, reason=reason)
    return CouponResult(code=write.code, kind="done", id=found)


def _otherwise(body: Mapping[str, Any], row: Row) -> list[str]:
    """Name what of the row decides who may use the code, and is not as it was sent."""
    wrong = [name for name in _KEPT if (row.get(name) or 0) != body[name]]
    ends = str(body["date_expires"]).removesuffix("Z")
    return wrong + (["date_expires"] if (row.get("date_expires_gmt") or "") != ends else [])


def _read(row: Row, currency: str) -> CouponState | Bad:
    try:
        return coupon_state(row, currency)
    except Unreadable as error:
        return Bad(id=identifier(row.get("id")), reason=str(error))
