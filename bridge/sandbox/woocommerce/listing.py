"""Pages of collections: slicing, and the headers that tell totals and neighbours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.woocommerce.params import Call, php_build_query
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.site import Site
from bridge.sandbox.woocommerce.values import parse_date

PAGING: Schema = {
    "context": Rule("string", enum=("view", "edit"), default="view"),
    "page": Rule("integer", low=1, default=1),
    "per_page": Rule("integer", low=1, high=100, default=10),
    "search": Rule("string"),
}
DATES: Schema = {
    "after": Rule("date"),
    "before": Rule("date"),
    "modified_after": Rule("date"),
    "modified_before": Rule("date"),
    "dates_are_gmt": Rule("boolean", default=False),
}
ORDERING: Schema = {
    "exclude": Rule("list", item=Rule("integer")),
    "include": Rule("list", item=Rule("integer")),
    "offset": Rule("integer"),
    "order": Rule("string", enum=("asc", "desc"), default="desc"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way to the wire; `headers` are extra ones."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def cut(call: Call, found: Sequence[int]) -> Sequence[int]:
    """Return the ids of the page asked for."""
    size = call.params["per_page"]
    start = call.params.get("offset")
    start = (call.params["page"] - 1) * size if start is None else start
    return found[start : start + size]


def totals(site: Site, call: Call, path: str, count: int, told: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the paging headers; `told` are the parameters that the platform writes into its links (default: the query)."""
    size, page = call.params["per_page"], call.params["page"]
    pages = math.ceil(count / size)
    headers = {"X-WP-Total": str(count), "X-WP-TotalPages": str(pages)}
    params = dict(call.query if told is None else told)
    links = []
    if page > 1:
        links.append(_link(site, path, {**params, "page": str(min(page - 1, max(pages, 1)))}, "prev"))
    if page < pages:
        links.append(_link(site, path, {**params, "page": str(page + 1)}, "next"))
    if links:
        headers["Link"] = ", ".join(links)
    return headers


def _link(site: Site, path: str, params: dict[str, Any], rel: str) -> str:
    return f'<{site.host}/wp-json/wc/v3/{path}?{php_build_query(params)}>; rel="{rel}"'


def cursor(site: Site, call: Call, text: str) -> int:
    """Turn a date argument into UTC epoch seconds: without dates_are_gmt it is the shop's local time."""
    moment = parse_date(text, site.offset) or 0
    return moment if call.params["dates_are_gmt"] else moment - site.offset


def within(site: Site, call: Call, created: int, modified: int) -> bool:
    """Tell whether an item's dates pass the filters; every bound is strict."""
    bounds = (
        ("after", created, 1),
        ("modified_after", modified, 1),
        ("before", created, -1),
        ("modified_before", modified, -1),
    )
    for name, value, sign in bounds:
        text = call.params.get(name)
        if text and (value - cursor(site, call, text)) * sign <= 0:
            return False
    return True
