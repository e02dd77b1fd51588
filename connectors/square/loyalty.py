"""Loyalty accounts: found by customer or by phone number, made where there is none."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta

from bridge.contract.errors import Gone, NeedsPerson, Refused
from connectors.square.client import Client
from connectors.square.keys import fitting
from connectors.square.limits import LOYALTY_BATCH, MAX_LOYALTY_KEY
from connectors.square.payload import Odd, Payload, part, rows, text
from connectors.square.people_mapping import Account, account

__all__ = ["ACCOUNTS", "Accounts", "no_program"]

ACCOUNTS = "/v2/loyalty/accounts"
_PROGRAM = "/v2/loyalty/programs/main"
_PAGE = 200
_ABSENT_FOR = timedelta(hours=1)


class Accounts:
    """Loyalty accounts of the seller. Without a program, whatever needs one raises NeedsPerson."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._absent_until: datetime | None = None

    async def program(self) -> Payload:
        """Read the seller's program; raises NeedsPerson where there is none, or the token may not."""
        try:
            payload, _ = await self._client.get(_PROGRAM, "read the loyalty program")
        except Gone as error:
            raise no_program(self._client.where) from error
        return part(payload, "program")

    async def of_customers(self, customers: Iterable[str]) -> list[Account]:
        """Read the accounts of these customers, oldest first."""
        return await self._search("customer_ids", [one for one in dict.fromkeys(customers) if one])

    async def of_phones(self, phones: Iterable[str]) -> list[Account]:
        """Read the accounts of these phone numbers (E.164)."""
        return await self._search("mappings", [{"phone_number": one} for one in dict.fromkeys(phones) if one])

    async def if_any(self, customers: Iterable[str], phones: Iterable[str] = ()) -> list[Account]:
        """Read accounts beside customers: none where there is no program or no permission, which is asked again after an hour."""
        if self._absent_until is not None and self._client.now() < self._absent_until:
            return []
        try:
            return [*await self.of_customers(customers), *await self.of_phones(phones)]
        except NeedsPerson:
            self._absent_until = self._client.now() + _ABSENT_FOR
            return []

    async def get(self, account_id: str) -> Account | None:
        """Read one account; None if it is no more."""
        try:
            payload, _ = await self._client.get(f"{ACCOUNTS}/{account_id}", "read a loyalty account")
        except Gone:
            return None
        return self._read(part(payload, "loyalty_account"))

    async def create(self, customer: str, phone: str, key: str) -> Account:
        """Make the account of a phone number. Square gives it to the profile that has the number; raises Refused."""
        program = text(await self.program(), "id")
        given = {"program_id": program, "mapping": {"phone_number": phone}, "customer_id": customer}
        body = {"idempotency_key": fitting(key, MAX_LOYALTY_KEY), "loyalty_account": given}
        payload, _ = await self._client.write(ACCOUNTS, "make a loyalty account", body)
        return self._read(part(payload, "loyalty_account"))

    async def _search(self, name: str, keys: Sequence[object]) -> list[Account]:
        groups = [keys[start : start + LOYALTY_BATCH] for start in range(0, len(keys), LOYALTY_BATCH)]
        return [self._read(row) for group in groups async for row in self._rows({name: group})]

    async def _rows(self, query: dict[str, Sequence[object]]) -> AsyncIterator[Payload]:
        pages = self._client.pages(f"{ACCOUNTS}/search", "find loyalty accounts", {"query": query, "limit": _PAGE})
        try:
            async for payload, _, _ in pages:
                for row in rows(payload, "loyalty_accounts"):
                    yield row
        except Gone as error:
            raise no_program(self._client.where) from error

    def _read(self, payload: Payload) -> Account:
        try:
            return account(payload)
        except Odd as error:
            what, step = f"loyalty account {text(payload, 'id')}: {error}", "look at it in the Square Dashboard"
            raise Refused(what, where=self._client.where, next_step=step) from error


def no_program(where: str) -> NeedsPerson:
    """Say that the seller has no loyalty program."""
    return NeedsPerson(
        "the seller has no Square Loyalty program, so there are no points",
        where=where,
        code="NOT_FOUND",
        next_step="subscribe to Square Loyalty in the Square Dashboard (Loyalty), or leave points out for this channel",
    )
