"""One seller account: every part of the state, put together."""

from bridge.sandbox.amazon.feeds import Feeds
from bridge.sandbox.amazon.inventory import Inventory
from bridge.sandbox.amazon.listings import Listings
from bridge.sandbox.amazon.notifications import Notifications
from bridge.sandbox.amazon.orders import Orders
from bridge.sandbox.amazon.sqs import Queue
from bridge.sandbox.amazon.state import MARKETPLACES, State
from bridge.sandbox.amazon.values import Json
from bridge.sandbox.kit.platform import Sleep


class Seller:
    """The account and its parts."""

    def __init__(self, state: State, sleep: Sleep) -> None:
        self.state = state
        self.listings = Listings(state)
        self.feeds = Feeds(state, self.listings)
        self.inventory = Inventory(state)
        self.orders = Orders(state)
        self.queue = Queue(state.now, sleep, state.ids, state.options.visibility)
        self.notifications = Notifications(state, self.queue)

    def participations(self) -> Json:
        """Answer getMarketplaceParticipations: the marketplace of the account."""
        options = self.state.options
        country, _, language, _ = MARKETPLACES[options.marketplace]
        marketplace = {
            "id": options.marketplace, "name": f"Amazon {country}", "countryCode": country,
            "defaultCurrencyCode": self.state.currency, "defaultLanguageCode": language, "domainName": "www.amazon.com",
        }  # fmt: skip
        participation = {"isParticipating": True, "hasSuspendedListings": False}
        return {
            "payload": [
                {"marketplace": marketplace, "participation": participation, "storeName": options.store_name},
            ]
        }
