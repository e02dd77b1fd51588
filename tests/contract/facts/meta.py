"""What a test must know of Meta."""

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

FACTS = Facts(
    host="graph.sandbox",
    offers=("account", "catalog", "stock", "products", "tickets", "edit_tickets", "creation_tickets"),
    incomplete=({"access_token": ""}, {"catalog_id": ""}),
    wrong={"access_token": "EAAG-somebody-elses-token"},
    secrets=("access_token", "app_secret"),
    lacking=({"permissions": ("business_management",)}, {}, "catalog_management"),
    writes=lambda method, path, body: method != "GET",
    calls={
        "stock": {"method": "POST", "path": r"/items_batch$"},
        "create": {"method": "POST", "path": r"/items_batch$"},
        "edit": {"method": "POST", "path": r"/items_batch$"},
    },
    page=500,
    # The wait stands in X-Business-Use-Case-Usage, in whole minutes.
    names_wait=False,
    # There is no time of change to ask for.
    feed_is_whole=True,
    # An item's id is its SKU.
    sku_unique=True,
    # The id cannot change, and a catalogue has no weight that a shop would read.
    inexpressible=frozenset({"weight_grams", "sku"}),
    spoil_price=(r'"\$66\.61"', '"much"'),
)
