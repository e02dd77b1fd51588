"""Whose shop the token opens, and what it may do there."""

from collections.abc import Mapping

from bridge.contract.ports import Identity
from bridge.wire.clock import clock_notes
from bridge.wire.payload import Payload, text
from connectors.etsy.client import Client

__all__ = ["Account"]

_NEEDED = ("listings_r", "listings_w", "shops_r", "transactions_r")
_FOR_MORE = {"transactions_w": "orders cannot be marked as shipped"}
_POLLING = (
    "no `webhook_secret`: sales are found by polling alone; a commercial app can have endpoints in Etsy's webhook portal "
    "(see the connector's README)"
)


class Account:
    """The account port. Etsy has no locations: a shop has one number a product."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def check(self) -> Identity:
        """Verify key, token and scopes without writing; raises NeedsPerson where a person must act."""
        client = self._client
        asked = {"token": await client.access.token()}
        scopes = _scopes((await client.form("POST", "scopes", "check the token", asked, repeatable=True))[0])
        shop, response = await client.get(f"shops/{await client.shop()}", "read the shop")
        notes = {
            **{f"the token lacks {one}: {effect}": scopes and one not in scopes for one, effect in _FOR_MORE.items()},
            "the shop is on vacation: nobody can buy there": shop.get("is_vacation"),
            _POLLING: not client.settings.webhook_secret,
        }
        return Identity(
            name=text(shop, "shop_name") or text(shop, "shop_id"),
            currency=text(shop, "currency_code"),
            now=response.at,
            # An answer that names no scopes is none to judge by.
            missing=tuple(one for one in _NEEDED if scopes and one not in scopes),
            notes=(*(one for one, holds in notes.items() if holds), *clock_notes(client.now() - response.at, "Etsy")),
            version="v3",
        )


def _scopes(payload: Payload) -> set[str]:
    """Read tokenScopes, whose fields the specification leaves open: a list, or a mapping of scope to yes or no."""
    told = payload.get("scopes", payload)
    if isinstance(told, str):
        return set(told.split())
    if isinstance(told, Mapping):
        return {str(name) for name, given in told.items() if given}
    return {str(one) for one in told} if isinstance(told, list) else set()
