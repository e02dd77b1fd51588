"""eBay over HTTP: calls for the seller and for the application, and its refusals as the four errors.

They are {"errors": [{errorId, category, message, longMessage, parameters}]}.
"""

from collections.abc import Mapping

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.access import Access, TokenService, basic
from bridge.wire.api import JsonApi
from bridge.wire.http import Http, Request, Response, Surroundings, stranger
from bridge.wire.judging import Kind, error_of, judge_grants, kind_of
from bridge.wire.payload import Payload, decoded
from bridge.wire.settings import demand
from bridge.wire.tables import table
from connectors.ebay.limits import LIMITS
from connectors.ebay.settings import Settings

__all__ = ["INVENTORY", "NO_SCOPE", "SCOPE", "Client", "refusal"]

SCOPE = "https://api.ebay.com/oauth/api_scope"
INVENTORY = "/sell/inventory/v1"
SITES = table(__package__, "sites")
NO_SCOPE, _NO_ALERT = "1100", "195003"
_MEANS: Mapping[str, Kind] = {
    # sell_inventory: SKU, offer, group or entity is not there. sell_fulfillment 32100: "Invalid Order Id".
    **dict.fromkeys(("25701", "25702", "25705", "25710", "25713", "32100", "195013", "195017"), "gone"),
    # 25025 "Concurrent access ... try again later", 34922 "while previous refund is processing", 2001 too many calls.
    **dict.fromkeys(("25001", "25025", "34922", "2001", "30500", "195000"), "later"),
    _NO_ALERT: "person",
}
_CONSENT = "have the seller consent again, and put the new token into the channel's `refresh_token`"
_STEPS: Mapping[str, str] = {
    NO_SCOPE: "the consent lacks a scope: `bridge check` names it; have the seller consent again with it",
    _NO_ALERT: "set the channel's `alert_email`: eBay wants an address for alerts before it pushes anything",
    "gone": "it was deleted at eBay; `bridge link` shows what is linked to it",
    "person": f"eBay refused the token; {_CONSENT}",
    "refused": "mend it in Seller Hub or at its source, then `bridge retry`",
}

_judge_token = judge_grants({"invalid_client": "check `client_id`, `client_secret` and `url`", "": _CONSENT})


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
            around, where=where, url=settings.url, path="/identity/v1/oauth2/token", judge=_judge_token, secrets=secrets,
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
        return self.service.pool(access, url=self.settings.url, judge=_judge, limits=LIMITS)


def refusal(row: Payload) -> BridgeError | None:
    """Say which of the errors a row of a bulk answer is; None when it is a success."""
    status = found if isinstance(found := row.get("statusCode"), int) else 400
    if 200 <= status < 300:
        return None
    code, told = _problem(row)
    kinds: Mapping[str, type[BridgeError]] = {"gone": Gone, "later": TryLater}
    return kinds.get(_verdict(code, status), Refused)(told or f"eBay answers {status} and no reason", code=code)


def _problem(payload: Payload) -> tuple[str, str]:
    """Return number and text of the first entry of `errors`; empty where there is none."""
    entries = payload.get("errors")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            told = str(entry.get("longMessage") or entry.get("message") or "")
            named = [str(one.get("value")) for one in entry.get("parameters") or () if isinstance(one, Mapping)]
            return str(entry.get("errorId") or ""), " ".join((told, *(f"({one})" for one in named if one not in told)))
    return "", ""


def _verdict(code: str, status: int) -> Kind:
    """Say what a refusal means. eBay's number says what is gone; an HTTP status of 404 alone may be about anything."""
    kind = kind_of(status)
    return _MEANS.get(code, "refused" if kind == "gone" else kind)


def _judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return None
    code, told = _problem(decoded(response.content))
    if not code:
        # eBay numbers its refusals; whoever says "not found" without one is somebody else.
        step = "leave the channel's `url` out, or set it to https://api.ebay.com"
        return stranger(request, response, "eBay API", step)
    kind = _verdict(code, response.status)
    return error_of(kind, f"{request.op}: {told}", response, code=code, step=_STEPS.get(code) or _STEPS.get(kind, ""))
