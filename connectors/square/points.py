"""Points: what a loyalty account shows, written as differences, and the ledger of who moved it.

How our own adjustments are known again: the reason of each carries the key of its row in words that nobody else uses, and comes back in
the loyalty event (people_mapping.reason, people_mapping.entry). The amount is never looked at.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from bridge.contract.errors import BridgeError, Gone, Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.loyalty import PointsEvent, PointsResult, PointsShown, PointsWrite
from connectors.square.client import Client
from connectors.square.customers import oldest
from connectors.square.judge import STALE
from connectors.square.keys import fitting
from connectors.square.limits import LIMITS, LOYALTY_BATCH, MAX_LOYALTY_KEY, OVERLAP
from connectors.square.loyalty import ACCOUNTS, Accounts, no_program
from connectors.square.payload import Payload, part, rows, sift, stamp
from connectors.square.people_mapping import Account, entry, phone_of, reason, same_phone

__all__ = ["Points", "PointsLedger"]

Kind = Literal["done", "stale", "gone", "refused"]
_USED = "IDEMPOTENCY_KEY_REUSED"
_UNKNOWN_PHONE = (
    "points need a loyalty account, and Square makes one by phone number: enrol the customer at the till, or put their number into "
    "their profile (Square Dashboard > Customers)"
)
_OTHERS_PHONE = (
    "points need a loyalty account, and Square makes one by phone number: the number in this profile is not known as this customer's. If it"
    " is somebody else's too, `bridge parked` says whose (`bridge customer merge` where they are one); else correct it in the profile"
    " (Square Dashboard > Customers)"
)


class Points:
    """The points port. A row's customer is a profile, its `points_id` a loyalty account."""

    def __init__(self, client: Client, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts
        self.events: Feed[PointsEvent] | None = PointsLedger(client, accounts)

    async def read(self, writes: Sequence[PointsWrite]) -> Sequence[PointsShown]:
        """Read the balances; None for who has no account. Thirty customers a call, and one for each account that is not theirs."""
        return [
            PointsShown(balance=one.balance, points_id=one.id) if one else PointsShown(balance=None)
            for one in await self._find(writes)
        ]

    async def show(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        """Adjust one account by `balance - shown`, never below 0; what somebody did there meanwhile stays."""
        if len(writes) > LIMITS.points_batch:
            raise Refused(f"a call shows {LIMITS.points_batch} row of points, not {len(writes)}")
        return [await self._show(write) for write in writes]

    async def _show(self, write: PointsWrite) -> PointsResult:
        if write.balance < 0:
            return _result(write, "refused", reason=f"a balance of {write.balance} points is never shown")
        shown, account_id = write.shown, write.points_id
        if shown is None or not account_id:
            (found,) = await self._find([write])
            if found is None:
                made = await self._enrol(write)
                if isinstance(made, PointsResult):
                    return made
                found = made
                if shown:
                    return _result(write, "stale", found)
            account_id, shown = found.id, found.balance if shown is None else shown
        return await self._adjust(write, account_id, write.balance - shown)

    async def _adjust(self, write: PointsWrite, account_id: str, delta: int) -> PointsResult:
        if delta:
            body = {
                "idempotency_key": fitting(write.key, MAX_LOYALTY_KEY),
                "adjust_points": {"points": delta, "reason": reason(write.key)},
                "allow_negative_balance": False,
            }
            try:
                await self._client.write(f"{ACCOUNTS}/{account_id}/adjust", "adjust loyalty points", body)
            except (Refused, Gone) as error:
                return await self._refused(write, account_id, delta, error)
        return await self._look(write, account_id)

    async def _look(self, write: PointsWrite, account_id: str) -> PointsResult:
        """Read what the account shows now: an adjustment answers its event, and no balance."""
        try:
            there = await self._accounts.get(account_id)
        except TryLater as error:
            error.maybe_applied = True
            raise
        return _result(write, "done", there) if there else await self._lost(write)

    async def _refused(self, write: PointsWrite, account_id: str, delta: int, error: BridgeError) -> PointsResult:
        """Say what a refused adjustment means."""
        there = await self._accounts.get(account_id)
        if there is None:
            return await self._lost(write)
        if error.code in {_USED, STALE}:
            # The row was sent before with another difference, as what is shown was read anew, and that one took effect; or somebody
            # adjusted it at the same moment.
            return _result(write, "done" if there.balance == write.balance else "stale", there)
        if delta < 0 and there.balance + delta < 0:
            return _result(write, "stale", there)
        return _result(write, "refused", there, error.what)

    async def _lost(self, write: PointsWrite) -> PointsResult:
        """An account that is no more: the customer is gone with it, has another one, or has none now."""
        (other,) = await self._find([write])
        if other is None and await self._profile(write.customer) is None:
            return _result(write, "gone")
        return _result(write, "stale", other)

    async def _enrol(self, write: PointsWrite) -> Account | PointsResult:
        """Make an account, if it will be this customer's: Square gives it to whose profile has the number, or makes a profile."""
        profile = await self._profile(write.customer)
        if profile is None:
            return _result(write, "gone")
        there = phone_of(profile)
        phone = next((one for one in write.phones if same_phone(there, one)), "")
        if not phone:
            return _result(write, "refused", reason=_OTHERS_PHONE if there else _UNKNOWN_PHONE)
        try:
            return await self._accounts.create(write.customer, phone, write.key)
        except Refused as error:
            return _result(write, "refused", reason=error.what)

    async def _find(self, writes: Sequence[PointsWrite]) -> list[Account | None]:
        """Find the account of each row: by its id, else its customer's, else the one of a phone number."""
        accounts = await self._accounts.of_customers(write.customer for write in writes)
        by_id, of = {one.id: one for one in accounts}, oldest(accounts)
        found = [by_id.get(write.points_id) or of.get(write.customer) for write in writes]
        found = [
            there or (await self._accounts.get(write.points_id) if write.points_id else None)
            for write, there in zip(writes, found, strict=True)
        ]
        phones = [one for write, there in zip(writes, found, strict=True) if there is None for one in write.phones]
        by_phone = {one.phone: one for one in await self._accounts.of_phones(phones)}
        return [
            there or next((by_phone[one] for one in write.phones if one in by_phone), None)
            for write, there in zip(writes, found, strict=True)
        ]

    async def _profile(self, customer_id: str) -> Payload | None:
        try:
            payload, _ = await self._client.get(f"/v2/customers/{customer_id}", "read a customer")
        except Gone:
            return None
        return part(payload, "customer")


class PointsLedger:
    """Loyalty events by `created_at`. Square answers newest first, thirty a page: what is new is read whole, then told oldest first."""

    def __init__(self, client: Client, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts

    def begin(self, at: datetime) -> str:
        """Return the cursor for what happened since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[PointsEvent]]:
        """Read what happened. Whose account it was is asked once for each account that somebody else moved."""
        span = {"date_time_filter": {"created_at": {"start_at": cursor}}}
        body = {"query": {"filter": span}, "limit": LOYALTY_BATCH}
        try:
            read = [
                page async for page in self._client.pages("/v2/loyalty/events/search", "read the loyalty ledger", body)
            ]
        except Gone as error:
            raise no_program(self._client.where) from error
        following, known = max(cursor, stamp(read[0][1].at - OVERLAP)), dict[str, Account | None]()
        for number, (payload, response, _) in enumerate(reversed(read), 1):
            page = await self._page(rows(payload, "events")[::-1], response.at, known)
            newest = max((event.at for event in page.items), default=None)
            reached = max(cursor, min(following, stamp(newest - OVERLAP))) if newest else cursor
            yield replace(page, cursor=following if number == len(read) else reached)

    async def _page(
        self, found: Sequence[Payload], at: datetime, known: dict[str, Account | None]
    ) -> Page[PointsEvent]:
        good, bad = sift(found, entry)
        events = [event for event in good if event is not None]
        for event in events:
            if event.kind != "ours" and event.points_id not in known:
                known[event.points_id] = await self._accounts.get(event.points_id)
        return Page(
            items=tuple(_named(event, known.get(event.points_id)) for event in events), bad=tuple(bad), as_of=at
        )


def _named(event: PointsEvent, loyal: Account | None) -> PointsEvent:
    return replace(event, customer=loyal.customer, phone=loyal.phone) if loyal else event


def _result(write: PointsWrite, kind: Kind, there: Account | None = None, reason: str = "") -> PointsResult:
    known = there.id if there else write.points_id if kind == "refused" else ""
    balance = there.balance if there else None
    return PointsResult(customer=write.customer, kind=kind, balance=balance, points_id=known, reason=reason)
