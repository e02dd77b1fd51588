"""What a client asks about the shop itself: status, settings, currency; and the taxonomies products refer to."""

from typing import Any

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import ORDERING, PAGING, Reply, cut, totals
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.routing import NAME, Endpoint, Handler, Route
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo
from bridge.sandbox.woocommerce.site import Site

Row = dict[str, Any]
_CURRENCIES = {"USD": "United States (US) dollar", "EUR": "Euro", "GBP": "Pound sterling", "CHF": "Swiss franc"}
LIST: Schema = {
    **PAGING,
    **ORDERING,
    "order": Rule("string", enum=("asc", "desc"), default="asc"),
    "slug": Rule("string"),
}
NAMED: Schema = {"name": Rule("string"), "slug": Rule("string"), "parent": Rule("integer")}


def index(woo: Woo) -> Row:
    """Return the body of /wp-json/ (public)."""
    site = woo.site
    spaces = ["oembed/1.0", "wc/v3", "wc/v1", "jetpack/v4", "wc-admin", "wc-analytics", "wc/store", "wc/store/v1"]
    spaces += ["wc/private", "wc/v2", "wc-admin-email", "wc-telemetry", "wccom-site/v3", "wp/v2", "wp-site-health/v1"]
    return {
        "name": site.settings.title,
        "description": "",
        "url": site.host,
        "home": site.host,
        "gmt_offset": values.plain_number(values.decimal(site.settings.gmt_offset)),
        "timezone_string": "UTC" if not site.offset else "",
        "namespaces": spaces,
        "authentication": {},
        "routes": {},
        "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
    }


async def system_status(woo: Woo, call: Call) -> Reply:
    """GET /system_status."""
    site, modern = woo.site, woo.site.modern
    environment = {
        "home_url": site.host,
        "site_url": site.host,
        "version": site.settings.version,
        "wp_version": "7.0.4" if modern else "6.8.8",
        "wp_multisite": False,
        "language": "en_US",
        "server_info": "nginx/1.22.1",
        "php_version": "8.2.36",
        "default_timezone": "UTC",
    }
    store = "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore"
    settings = {
        "api_enabled": False,
        "force_ssl": False,
        "currency": site.settings.currency,
        "currency_symbol": _entity(site.settings.currency_symbol),
        "number_of_decimals": 2,
        "order_datastore": store,
        "HPOS_enabled": True,
        "HPOS_sync_enabled": False,
    }
    body = {"environment": environment, "settings": settings}
    fields = call.fields()
    return Reply({name: part for name, part in body.items() if fields is None or name in fields})


def _entity(symbol: str) -> str:
    return "".join(f"&#{ord(char)};" for char in symbol)


def _settings(site: Site) -> dict[str, dict[str, tuple[str, str, str]]]:
    held = site.settings
    return {
        "general": {
            "woocommerce_store_address": ("Address line 1", "text", ""),
            "woocommerce_default_country": ("Country / State", "select", "US:CA"),
            "woocommerce_calc_taxes": ("Enable taxes", "checkbox", "no"),
            "woocommerce_enable_coupons": ("Enable coupons", "checkbox", "yes"),
            "woocommerce_currency": ("Currency", "select", held.currency),
            "woocommerce_price_num_decimals": ("Number of decimals", "number", "2"),
        },
        "products": {
            "woocommerce_weight_unit": ("Weight unit", "select", held.weight_unit),
            "woocommerce_dimension_unit": ("Dimensions unit", "select", "cm"),
            "woocommerce_manage_stock": ("Manage stock", "checkbox", "yes"),
            "woocommerce_hold_stock_minutes": ("Hold stock (minutes)", "number", str(held.hold_stock_minutes)),
            "woocommerce_notify_no_stock_amount": ("Out of stock threshold", "number", "0"),
        },
    }


def _setting(site: Site, group: str, key: str, row: tuple[str, str, str]) -> Row:
    label, kind, value = row
    root = f"{site.host}/wp-json/wc/v3/settings/{group}"
    links = {"self": [{"href": f"{root}/{key}"}], "collection": [{"href": root}]}
    told = {"label": label, "description": "", "type": kind, "default": value, "value": value}
    return {"id": key, **told, "_links": links}


async def settings(woo: Woo, call: Call) -> Reply:
    """GET /settings/{group}."""
    group = _settings(woo.site).get(call.names[0])
    if group is None:
        raise RestError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    return Reply([_setting(woo.site, call.names[0], key, row) for key, row in group.items()])


async def setting(woo: Woo, call: Call) -> Reply:
    """GET /settings/{group}/{id}."""
    row = _settings(woo.site).get(call.names[0], {}).get(call.names[1])
    if row is None:
        raise RestError("rest_setting_setting_invalid", "Invalid setting.", 404)
    return Reply(_setting(woo.site, call.names[0], call.names[1], row))


async def currency(woo: Woo, call: Call) -> Reply:
    """GET /data/currencies/current."""
    del call
    code = woo.site.settings.currency
    root = f"{woo.site.host}/wp-json/wc/v3/data/currencies"
    links = {"self": [{"href": f"{root}/{code}"}], "collection": [{"href": root}]}
    told = {"name": _CURRENCIES.get(code, code), "symbol": _entity(woo.site.settings.currency_symbol)}
    return Reply({"code": code, **told, "_links": links})


def _taxonomy(path: str, held: str) -> tuple[Handler, Handler]:
    async def listed(woo: Woo, call: Call) -> Reply:
        rows: dict[int, Row] = getattr(woo.catalogue, held)
        found = sorted(rows, key=lambda key: rows[key]["name"].lower(), reverse=call.params["order"] == "desc")
        found = [key for key in found if _named(rows[key], call)]
        page = [_term(woo, path, held, rows[key]) for key in cut(call, found)]
        return Reply(page, headers=totals(woo.site, call, path, len(found)))

    async def create(woo: Woo, call: Call) -> Reply:
        rows: dict[int, Row] = getattr(woo.catalogue, held)
        name = str(call.params.get("name") or "")
        slug = str(call.params.get("slug") or ("pa_" if held == "attributes" else "") + values.slugify(name))
        twin = next((row for row in rows.values() if row["slug"] == slug), None)
        if twin is not None:
            text = "A term with the name provided already exists with this parent."
            raise RestError("term_exists", text, 400, resource_id=twin["id"])
        key = max(rows, default=0) + 1
        rows[key] = {"id": key, "name": name, "slug": slug}
        return Reply(_term(woo, path, held, rows[key]), 201)

    return listed, create


def _term(woo: Woo, path: str, held: str, row: Row) -> Row:
    root = f"{woo.site.host}/wp-json/wc/v3/{path}"
    links = {"self": [{"href": f"{root}/{row['id']}"}], "collection": [{"href": root}]}
    if held == "attributes":
        return {**row, "type": "select", "order_by": "menu_order", "has_archives": False, "_links": links}
    rows = (product for product in woo.catalogue.items.values() if product.status == "publish")
    own = ([category["id"] for category in product.extra.get("categories", ())] for product in rows)
    told = {"parent": 0, "description": "", "display": "default", "image": None, "menu_order": 0}
    return {**row, **told, "count": sum(row["id"] in ids for ids in own), "_links": links}


def _named(row: Row, call: Call) -> bool:
    slug, text = call.params.get("slug"), (call.params.get("search") or "").lower()
    return (not slug or row["slug"] == slug) and text in row["name"].lower()


def _taxonomy_route(path: str, held: str) -> Route:
    listed, create = _taxonomy(path, held)
    return Route(
        tuple(path.split("/")), {"GET": Endpoint(listed, "list", LIST), "POST": Endpoint(create, "create", NAMED)}
    )


ROUTES = (
    Route(("system_status",), {"GET": Endpoint(system_status, "list")}),
    Route(("settings", NAME), {"GET": Endpoint(settings, "list")}),
    Route(("settings", NAME, NAME), {"GET": Endpoint(setting, "view")}),
    Route(("data", "currencies", "current"), {"GET": Endpoint(currency, "view")}),
    _taxonomy_route("products/categories", "categories"),
    _taxonomy_route("products/attributes", "attributes"),
)
