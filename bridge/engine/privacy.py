"""Privacy: what a platform asks to be told, or to be forgotten, about a person (Shopify's compliance topics,
eBay's MARKETPLACE_ACCOUNT_DELETION).

The ledger keeps what happened to units; who bought them is not part of it, so forgetting a person changes no number.
"""

from sqlalchemy.engine import Connection

from bridge.contract.webhooks import Hint
from bridge.engine.context import Context
from bridge.engine.noting import park
from bridge.store import deliveries, orders

__all__ = ["heed"]


def heed(connection: Connection, context: Context, channel: str, hint: Hint) -> None:
    """Forget a person, or everybody of a shop, at once; have a person answer a question about someone's data."""
    if hint.topic.endswith("data_request"):
        named = f" (orders {', '.join(hint.orders)})" if hint.orders else ""
        reason = (
            f"customer {hint.id} asks {channel} for their data{named}: send what `bridge history` and the shop hold within 30 days,"
            " then `bridge retry` this line"
        )
        park(connection, context, "privacy", channel, hint.id or "customer", reason)
        return
    everybody = hint.topic.startswith("shop/")
    orders.redact(connection, channel, None if everybody else hint.orders, "" if everybody else hint.id)
    # Raw deliveries name people as well.
    deliveries.forget(connection, channel, context.now())
