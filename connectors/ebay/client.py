"""eBay over HTTP: calls for the seller and for the application."""

from collections.abc import Mapping
from urllib.parse import quote

from bridge.contract.errors import NeedsPerson
from bridge.wire.access import Access, TokenService, basic
from bridge.wire.api import JsonApi
from bridge.wire.http import Http, Surroundings
from bridge.wire.settings import demand
from bridge.wire.tables import table
from connectors.ebay.judge import judge, judge_token
from connectors.ebay.limits import LIMITS
from connectors.ebay.settings import Settings

__all__ = ["INVENTORY", "SCOPE", "Client", "escaped"]

SCOPE = "https://api.ebay.com/oauth/api_scope"
INVENTORY = "/sell/inventory/v1"
SITES = table(__package__, "sites")


class Client(JsonApi):
    """One seller on one site: calls are made for the seller, those of `app` for the application (keys, destinations).

    `service` trades tokens for the seller's `consent`.
    """

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        needed = ("client_id", "client_secret", "refresh_token")
        demand(settings, needed, where, "connectors/ebay/README.md says where it is found")
        self.settings = settings
        self.marketplace = settings.marketplace
        self.consent = {"grant_type": "refresh_token", "refresh_token": settings.refresh_token}
        secrets = (settings.client_secret, settings.refresh_token, settings.verification_token)
        self.service = TokenService(
            around, where=where, url=settings.url, path="/identity/v1/oauth2/token", judge=judge_token, secrets=secrets,
            headers=basic(settings.client_id, settings.client_secret),
        )  # fmt: skip
        app = self._granted({"grant_type": "client_credentials", "scope": SCOPE}, around)
        super().__init__(around, self._granted(self.consent, around), app, self.service.http)
        self.app = JsonApi(around, app)

    @property
    def currency(self) -> str:
        """The currency of the site; raises NeedsPerson for a site that we do not know."""
        if self.marketplace not in SITES:
            step = f"set `marketplace` to one of {', '.join(SITES)}"
            raise NeedsPerson(f"unknown site {self.marketplace!r}", where=self.where, next_step=step)
        return str(SITES[self.marketplace]["currency"])

    @property
    def language(self) -> str:
        """The language in which new listings are written."""
        return str(SITES.get(self.marketplace, {}).get("language", "en-US"))

    def _granted(self, form: Mapping[str, str], around: Surroundings) -> Http:
        """Return the pool of calls that are made with the tokens of one grant."""
        site = {"x-ebay-c-marketplace-id": self.marketplace}
        access = Access(self.service.tokens(form), now=around.now, headers=site)
        return self.service.pool(access, url=self.settings.url, judge=judge, limits=LIMITS)


def escaped(part: str) -> str:
    """Write a SKU, or another name of the merchant's, as one part of a path."""
    return quote(part, safe="")
