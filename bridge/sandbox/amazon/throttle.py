"""The documented rates, one bucket for each operation (the usage plans in the models)."""

from bridge.sandbox.amazon.errors import quota
from bridge.sandbox.kit.platform import Now

# operation -> calls a second, and how many at once.
RATES = {
    "searchListingsItems": (5.0, 5), "getListingsItem": (5.0, 10), "patchListingsItem": (5.0, 5),
    "putListingsItem": (5.0, 10), "deleteListingsItem": (5.0, 5), "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15), "getFeed": (2.0, 15), "cancelFeed": (2.0, 15), "getFeedDocument": (0.0222, 10),
    "searchOrders": (0.0056, 20), "getOrder": (0.5, 30), "confirmShipment": (2.0, 10),
    "getInventorySummaries": (2.0, 2), "getMarketplaceParticipations": (0.016, 15), "getSubscription": (1.0, 5),
    "createSubscription": (1.0, 5), "deleteSubscriptionById": (1.0, 5), "getDestinations": (1.0, 5),
    "createDestination": (1.0, 5), "deleteDestination": (1.0, 5),
}  # fmt: skip


class Buckets:
    """Token buckets, full at first."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.levels: dict[str, tuple[float, float]] = {}

    def take(self, operation: str) -> None:
        """Spend one token of an operation; refuses where there is none."""
        rate, burst = RATES[operation]
        at = self.now().timestamp()
        level, since = self.levels.get(operation, (float(burst), at))
        level = min(float(burst), level + (at - since) * rate)
        if level < 1 - 1e-6:
            raise quota()
        self.levels[operation] = (level - 1, at)
