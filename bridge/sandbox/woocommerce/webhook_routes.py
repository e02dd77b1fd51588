"""The /webhooks routes of wc/v3, their list and batch. A secret is taken and never shown."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import DATES, ORDERING, PAGING, Reply, cut, totals, within
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_routes import FORCE, target
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo
from bridge.sandbox.woocommerce.webhooks import STATUSES, Webhook

_ITEM = {"targetHints": {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}}
LIST: Schema = {
    **PAGING,
    **DATES,
    **ORDERING,
    "orderby": Rule("string", enum=("date", "id", "title"), default="date"),
    "status": Rule("string", enum=("all", *STATUSES), default="all"),
}
UPDATE: Schema = {
    **{name: Rule("string") for name in ("name", "topic", "delivery_url", "secret")},
    "status": Rule("string", enum=STATUSES),
}
CREATE: Schema = {**UPDATE, **{name: Rule("string", required=True) for name in ("topic", "delivery_url")}}


def webhook_body(woo: Woo, webhook: Webhook, call: Call, *, single: bool = True) -> dict[str, Any]:
    """Show a webhook; a single one always has `_links`."""
    offset, modified = woo.site.offset, webhook.modified
    body = {
        "id": webhook.id,
        "name": webhook.name,
        "status": webhook.status,
        "topic": webhook.topic,
        "resource": webhook.resource,
        "event": webhook.event,
        "hooks": woo.webhooks.hooks(webhook),
        "delivery_url": webhook.delivery_url,
        "date_created": values.iso(webhook.created + offset),
        "date_created_gmt": values.iso(webhook.created),
        "date_modified": None if modified is None else values.iso(modified + offset),
        "date_modified_gmt": None if modified is None else values.iso(modified),
    }
    fields = call.fields()
    shown = {name: value for name, value in body.items() if fields is None or name in fields}
    root = f"{woo.site.host}/wp-json/wc/v3/webhooks"
    links = {"self": [{"href": f"{root}/{webhook.id}", **_ITEM}], "collection": [{"href": root}]}
    return {**shown, "_links": links} if single or fields is None or "_links" in fields else shown


async def list_webhooks(woo: Woo, call: Call) -> Reply:
    """GET /webhooks, newest first; those of one second by id (recorded, webhooks 210)."""
    keys = {"id": lambda row: row.id, "title": lambda row: row.name.lower(), "date": lambda row: row.created}
    rows = (row for row in woo.webhooks.rows.values() if _matches(woo, call, row))
    found = [row.id for row in sorted(rows, key=keys[call.params["orderby"]], reverse=call.params["order"] == "desc")]
    page = [webhook_body(woo, woo.webhooks.rows[key], call, single=False) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, "webhooks", len(found)))


def _matches(woo: Woo, call: Call, row: Webhook) -> bool:
    params = call.params
    if params["status"] not in ("all", row.status) or row.id in (params.get("exclude") or ()):
        return False
    if params.get("include") and row.id not in params["include"]:
        return False
    text = (params.get("search") or "").lower()
    return text in row.name.lower() and within(woo.site, call, row.created, row.modified or 0)


def _find(woo: Woo, key: int, status: int = 404, message: str = "ID is invalid.") -> Webhook:
    found = woo.webhooks.rows.get(key)
    if found is None:
        raise RestError("woocommerce_rest_shop_webhook_invalid_id", message, status)
    return found


async def get_webhook(woo: Woo, call: Call) -> Reply:
    """GET /webhooks/{id}."""
    return Reply(webhook_body(woo, _find(woo, call.ids[0]), call))


def _check_topic(woo: Woo, params: dict[str, Any], message: str) -> None:
    if not woo.webhooks.knows(str(params.get("topic") or "")):
        raise RestError("woocommerce_rest_shop_webhook_invalid_topic", message, 400)


def _check_url(params: dict[str, Any]) -> None:
    parts = urlsplit(str(params.get("delivery_url") or ""))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        text = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise RestError("woocommerce_rest_shop_webhook_invalid_delivery_url", text, 400)


async def post_webhook(woo: Woo, call: Call) -> Reply:
    """POST /webhooks. It is active whatever `status` says, and a second equal one is made as asked (recorded, 205)."""
    params = call.params
    if params.get("id"):
        raise RestError("woocommerce_rest_shop_webhook_exists", "Cannot create existing shop_webhook.", 400)
    _check_topic(woo, params, "Webhook topic is required and must be valid.")
    _check_url(params)
    texts = {name: str(params.get(name) or "") for name in ("topic", "delivery_url", "secret")}
    made = woo.webhooks.add(name=str(params.get("name") or _unnamed(woo)), **texts)
    location = f"{woo.site.host}/wp-json/wc/v3/webhooks/{made.id}"
    return Reply(webhook_body(woo, made, call), 201, {"Location": location})


def _unnamed(woo: Woo) -> str:
    return f"Webhook created on {datetime.fromtimestamp(woo.site.clock(), UTC):%b %d, %Y @ %I:%M %p}"


async def put_webhook(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST /webhooks/{id}. Switching it on again leaves its count of failures as it is."""
    params, found = call.params, _find(woo, target(call), 400)
    if params.get("topic"):
        _check_topic(woo, params, "Webhook topic must be valid.")
    if params.get("delivery_url"):
        _check_url(params)
    if params.get("status") and params["status"] not in STATUSES:
        raise RestError("woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.", 400)
    moved = params.get("delivery_url") not in (None, "", found.delivery_url)
    for name in ("name", "topic", "delivery_url", "secret", "status"):
        if params.get(name):
            setattr(found, name, str(params[name]))
    woo.webhooks.save(found, moved=moved)
    return Reply(webhook_body(woo, found, call))


async def delete_webhook(woo: Woo, call: Call) -> Reply:
    """DELETE /webhooks/{id}, only with force."""
    if not call.params.get("force"):
        raise RestError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
    found = _find(woo, target(call), message="Invalid ID.")
    body = webhook_body(woo, found, call)
    del woo.webhooks.rows[found.id]
    return Reply(body)


_MANY = batch(post_webhook, put_webhook, delete_webhook, {"status": "active"})
ROUTES = (
    Route(
        ("webhooks",),
        {"GET": Endpoint(list_webhooks, "list", LIST), "POST": Endpoint(post_webhook, "create", CREATE)},
    ),
    Route(
        ("webhooks", NUMBER),
        {
            "GET": Endpoint(get_webhook, "view", {"context": PAGING["context"]}),
            **editable(Endpoint(put_webhook, "edit", UPDATE)),
            "DELETE": Endpoint(delete_webhook, "delete", FORCE),
        },
    ),
    Route(("webhooks", "batch"), editable(Endpoint(_MANY, "batch"))),
)
