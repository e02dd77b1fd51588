"""Everything one Amazon seller account holds, and what becomes true in it as time passes."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from bridge.sandbox.amazon.access import ORDER_ROLE, ROLES, Access
from bridge.sandbox.amazon.listing import Listing
from bridge.sandbox.amazon.values import Ids, Json
from bridge.sandbox.kit.platform import Now

# An authorisation from before the application had the role for listings.
RESTRICTED = "Atzr|sandbox-refresh-token-restricted"
# marketplace -> country, currency, language, the code of Amazon's own warehouses there.
MARKETPLACES = {
    "ATVPDKIKX0DER": ("US", "USD", "en_US", "AMAZON_NA"),
    "A2EUQ1WTGCTBG2": ("CA", "CAD", "en_CA", "AMAZON_NA"),
    "A1F83G8C2ARO7P": ("GB", "GBP", "en_GB", "AMAZON_EU"),
    "A1PA6795UKMFR9": ("DE", "EUR", "de_DE", "AMAZON_EU"),
    "A1VC38T7YXB528": ("JP", "JPY", "ja_JP", "AMAZON_JP"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made.

    lag              seconds until an accepted listing submission is live
    feed_seconds     seconds until a feed is processed; the first half of them it waits in the queue
    search_lag       searchOrders does not show what changed within the last so many seconds
    sales_touch      a sale moves its listing's `lastUpdatedDate`
    throttled        the documented rates are enforced
    token_seconds    how long an access token lives
    visibility       seconds after which a message that was received and not deleted comes again
    queue            the credentials name a queue, so that a connector of them reads it
    fba              the credentials say that goods lie in Amazon's warehouses
    """

    client_id: str = "amzn1.application-oa2-client.sandbox"
    client_secret: str = "amzn1.oa2-cs.v1.sandbox-client-secret"  # noqa: S105 - made up
    refresh_token: str = "Atzr|sandbox-refresh-token"  # noqa: S105 - made up
    seller_id: str = "A3SANDBOXSELLER"
    store_name: str = "Sandbox Store"
    marketplace: str = "ATVPDKIKX0DER"
    currency: str = ""
    roles: tuple[str, ...] = ROLES
    lag: float = 15.0
    feed_seconds: float = 60.0
    search_lag: float = 0.0
    sales_touch: bool = True
    throttled: bool = False
    token_seconds: float = 3600.0
    visibility: float = 30.0
    queue: bool = False
    fba: bool = False


class State:
    """The account. `settle` lets everything happen that is due by now; every call and every verb begins with it."""

    def __init__(self, now: Now, host: str, options: Options) -> None:
        self.now = now
        self.host = host
        self.options = options
        self.ids = Ids()
        self.access = Access(
            options.client_id,
            options.client_secret,
            {options.refresh_token: options.roles, RESTRICTED: (ORDER_ROLE,)},
            options.token_seconds,
        )
        self.country, currency, self.language, self.warehouse = MARKETPLACES[options.marketplace]
        self.currency = options.currency or currency
        self.listings: dict[str, Listing] = {}
        self.told: list[Callable[[str, Json, datetime], None]] = []
        self._due: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def later(self, seconds: float, act: Callable[[datetime], None]) -> None:
        """Have something happen so many seconds from now."""
        heapq.heappush(self._due, (self.now() + timedelta(seconds=seconds), next(self._order), act))
        self.settle()

    def settle(self) -> None:
        """Let happen what is due, in its order and at its own time."""
        while self._due and self._due[0][0] <= self.now():
            at, _, act = heapq.heappop(self._due)
            act(at)

    def tell(self, kind: str, payload: Json, at: datetime | None = None) -> None:
        """Something happened that notifications may be wanted of."""
        for listener in self.told:
            listener(kind, payload, at or self.now())
