"""What a test must know of Pinterest."""

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]


def _writes(method: str, path: str, body: bytes) -> bool:
    # Lists and look-ups are POST calls with a body.
    return path.endswith("/catalogs/items/batch")


FACTS = Facts(
    host="pinterest.sandbox",
    tokens=r"/oauth/token$",
    offers=("account", "catalog", "stock", "products", "tickets", "edit_tickets", "creation_tickets"),
    incomplete=(
        {"app_id": ""}, {"app_secret": ""}, {"refresh_token": ""}, {"country": ""}, {"language": ""}, {"catalog_id": ""},
    ),
    wrong={"refresh_token": "pinr.somebody-elses-token"},
    secrets=("app_secret", "refresh_token"),
    lacking=({"scopes": ("catalogs:read",)}, {}, "catalogs:write"),
    writes=_writes,
    calls={
        "stock": {"method": "POST", "path": r"/items/batch$"},
        "create": {"method": "POST", "path": r"/items/batch$"},
        "edit": {"method": "POST", "path": r"/items/batch$"},
    },
    page=250,
    # The list names the items, a second call reads them.
    calls_a_page=1.0,
    # There is no time of change to ask for.
    feed_is_whole=True,
    # An item is in the catalogue or it is not.
    archives=False,
    # An item's id is its SKU.
    sku_unique=True,
    # An item can be had or it is sold out.
    tracks_always=True,
    # The id cannot change, UPDATE takes no pictures, an item cannot be hidden.
    inexpressible=frozenset({"weight_grams", "sku", "images", "status"}),
    spoil_price=(r'"66\.61 USD"', '"much"'),
)  # fmt: skip
