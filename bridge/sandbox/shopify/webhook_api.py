"""Webhook subscriptions over GraphQL: create, update, delete, list.

Words of the refusals: recordings webhook-subscription-conformance, -uri-validation, -uri-whitespace, -scheme-allowlist,
-topic-format-name-validation (2026-04). A loopback address may be plain http here, which Shopify refuses.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.shopify import paging
from bridge.sandbox.shopify import query as syntax
from bridge.sandbox.shopify.context import Context, resolves
from bridge.sandbox.shopify.errors import InvalidError, UserErrors, bad_request, refuse, user_error
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.read_root import by_id, counting
from bridge.sandbox.shopify.search import WEBHOOK, Search
from bridge.sandbox.shopify.state import split
from bridge.sandbox.shopify.webhooks import TOPICS, Subscription

Args = dict[str, Any]
ADDRESS, NAME = ["webhookSubscription", "callbackUrl"], ["webhookSubscription", "name"]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
UNFIT = ("shopify.com", "myshopify.com", "internal")
GONE = "Webhook subscription does not exist"
# Seen in public code on live shops when the app lacks the scope of the topic.
NO_TOPIC = "You cannot create a webhook subscription with the specified topic"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a subscription delivers, in the form the deprecated field `endpoint` shows it."""

    callback_url: str
    kind = "WebhookHttpEndpoint"


@mutation("webhookSubscriptionCreate", None)
def _create(context: Context, args: Args) -> Args:
    topic, given = args["topic"], args["webhookSubscription"]
    state = context.state
    _demand_scope(context, topic)
    row = Subscription(**state.stamps("WebhookSubscription"), topic=topic)
    _write(context, row, given, address_needed=True)
    return {"webhook_subscription": state.webhooks.subscriptions.add(row)}


@mutation("webhookSubscriptionUpdate", None)
def _update(context: Context, args: Args) -> Args:
    row = _existing(context, args["id"])
    _write(context, row, args["webhookSubscription"], address_needed=False)
    context.state.webhooks.subscriptions.touch(row)
    return {"webhook_subscription": row}


@mutation("webhookSubscriptionDelete", None)
def _delete(context: Context, args: Args) -> Args:
    row = _existing(context, args["id"])
    context.state.webhooks.subscriptions.remove(row)
    return {"deleted_webhook_subscription_id": row.id}


def _existing(context: Context, global_id: str) -> Subscription:
    kind, number = split(global_id)
    row = context.state.webhooks.subscriptions.get(number) if kind == "WebhookSubscription" else None
    if row is None:
        raise refuse(["id"], GONE)
    return row


def _demand_scope(context: Context, topic: str) -> None:
    scopes = TOPICS[topic][1]
    held = context.scopes | {scope.replace("write_", "read_", 1) for scope in context.scopes}
    if scopes and held.isdisjoint(scopes):
        raise refuse(["webhookSubscription"], NO_TOPIC)


def _write(context: Context, row: Subscription, given: Args, *, address_needed: bool) -> None:
    """Check everything, then write what was given."""
    if given.get("filter"):
        raise bad_request("This sandbox does not filter webhooks: leave `filter` out, or empty.")
    address = given.get("uri", given.get("callbackUrl"))
    errors: UserErrors = []
    if address is not None or address_needed:
        address = (address or "").strip()
        errors += [user_error(ADDRESS, text) for text in _address_faults(context, row, address)]
    errors += [user_error(NAME, text) for text in _name_faults(context, row, given.get("name"))]
    if errors:
        raise InvalidError(errors)
    row.uri = row.uri if address is None else address
    row.name = given.get("name", row.name)
    row.filter = given.get("filter", row.filter)
    row.include_fields = given.get("includeFields", row.include_fields) or []
    row.metafield_namespaces = given.get("metafieldNamespaces", row.metafield_namespaces) or []


def _address_faults(context: Context, row: Subscription, address: str) -> list[str]:
    if not address:
        return ["Address can't be blank"]
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return ["Address is invalid"]
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return [f"Address protocol {parts.scheme}:// is not supported"] if parts.scheme else ["Address is invalid"]
    if not host:
        return ["Address is invalid"]
    if any(host == name or host.endswith(f".{name}") for name in UNFIT):
        return ["Address cannot be a Shopify or an internal domain"]
    others = (other for other in context.state.webhooks.subscriptions.rows.values() if other is not row)
    taken = any((other.topic, other.uri) == (row.topic, address) for other in others)
    return ["Address for this topic has already been taken"] if taken else []


def _name_faults(context: Context, row: Subscription, name: str | None) -> list[str]:
    if name is None:
        return []
    found = [] if name else ["Name is too short (minimum is 1 character)"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        found.append("Name name field can only contain alphanumeric characters, underscores, and hyphens")
    others = (other for other in context.state.webhooks.subscriptions.rows.values() if other is not row)
    if any((other.name or "").casefold() == name.casefold() for other in others) and not found:
        found.append("Name already exists, no duplicate allowed")
    return found


@resolves("QueryRoot.webhookSubscriptions")
def _list(_: None, context: Context, args: Args) -> dict[str, Any]:
    paging.window(args)
    rows = [row for row in Search(context.state, WEBHOOK, syntax.parse(args.get("query"))).hits() if _wanted(row, args)]
    sort = paging.SORTS[args.get("sortKey") or "CREATED_AT"]

    def key(row: Subscription) -> paging.Key:
        return sort(row), row.number

    return paging.page(sorted(rows, key=key, reverse=bool(args.get("reverse"))), args, key)


def _wanted(row: Subscription, args: Args) -> bool:
    topics, addresses = args.get("topics"), {args.get("uri"), args.get("callbackUrl")} - {None}
    return (not topics or row.topic in topics) and addresses <= {row.uri}


@resolves("QueryRoot.webhookSubscription")
def _one(_: None, context: Context, args: Args) -> Any:
    return by_id("WebhookSubscription")(context, args)


@resolves("QueryRoot.webhookSubscriptionsCount")
def _count(_: None, context: Context, args: Args) -> Any:
    return counting("webhookSubscriptionsCount", WEBHOOK)(context, args)


@resolves("WebhookSubscription.callbackUrl")
def _address(row: Subscription, _: Context, __: Args) -> str:
    return row.uri


@resolves("WebhookSubscription.endpoint")
def _endpoint(row: Subscription, _: Context, __: Args) -> Endpoint:
    return Endpoint(row.uri)


@resolves("WebhookSubscription.format")
def _format(*_: Any) -> str:
    return "JSON"


@resolves("WebhookSubscription.apiVersion")
def _version(_: Subscription, context: Context, __: Args) -> dict[str, Any]:
    """Return the version in the app's settings; a subscription cannot choose one."""
    handle = context.state.settings.webhook_version
    supported = handle <= f"{context.state.now_of():%Y-%m}"
    name = handle if supported else f"{handle} (Release candidate)"
    return {"handle": handle, "display_name": name, "supported": supported}
