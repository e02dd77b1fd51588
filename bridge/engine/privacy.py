"""Privacy: what a platform asks to be told, or to be forgotten, about a person (Shopify's compliance topics,
eBay's MARKETPLACE_ACCOUNT_DELETION).

The ledger keeps what happened to units; who bought them is not part of it, so forgetting a person changes no number.
"""

from sqlalchemy.engine import Connection

from bridge.contract.webhooks import Hint
from bridge.engine import merging
from bridge.engine.context import Context
from bridge.engine.noting import park
from bridge.store import deliveries, orders, people

__all__ = ["heed"]


def heed(connection: Connection, context: Context, channel: str, hint: Hint) -> None:
    """Forget a person, or everybody of a shop, at once; have a person answer a question about someone's data."""
    if hint.topic.endswith("data_request"):
        named = f" (orders {', '.join(hint.orders)})" if hint.orders else ""
        reason = (
            f"customer {hint.id} asks {channel} for their data{named}: send what `bridge customer export {channel}:{hint.id}`"
            " prints, and what the shop holds, within 30 days; then `bridge retry` this line"
        )
        park(connection, context, "privacy", channel, hint.id or "customer", reason)
        return
    everybody = hint.topic.startswith("shop/")
    for person in _whose(connection, channel, hint, everybody=everybody):
        merging.forget(connection, context, person)
    if everybody:
        people.drop_customers(connection, channel)
    orders.redact(connection, channel, None if everybody else hint.orders, "" if everybody else hint.id)
    # Raw deliveries name people as well.
    deliveries.forget(connection, channel, context.now())


def _whose(connection: Connection, channel: str, hint: Hint, *, everybody: bool) -> list[str]:
    """Who is meant: of a whole shop those whom no other channel knows, else whoever has the account or placed the orders."""
    if everybody:
        return people.known_only_to(connection, channel)
    accounts = people.find_customers(connection, channel, [hint.id] if hint.id else [])
    return sorted({one.person for one in accounts.values()} | people.of_orders(connection, channel, hint.orders))
