"""The Account API, as far as a connector asks: programs, and the policies that a listing needs."""

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.state import Json, State

_KINDS = {"categoryTypes": [{"name": "ALL_EXCLUDING_MOTORS_VEHICLES"}]}
_SHIPPING = ("freightShipping", "globalShipping", "localPickup", "pickupDropOff")
_MORE: dict[str, Json] = {
    "fulfillment": {**_KINDS, **dict.fromkeys(_SHIPPING, False)},
    "payment": {**_KINDS, "immediatePay": True, "paymentMethods": []},
    "return": {**_KINDS, "refundMethod": "MONEY_BACK", "returnsAccepted": True},
}

__all__ = ["locations", "policies", "privileges", "programs"]


def programs(state: State, _: Call) -> Answer:
    """getOptedInPrograms."""
    names = ["SELLING_POLICY_MANAGEMENT", *(["OUT_OF_STOCK_CONTROL"] if state.options.out_of_stock else [])]
    return Answer({"programs": [{"programType": name} for name in names]})


def privileges(state: State, _: Call) -> Answer:
    """getPrivileges."""
    limit = {"amount": state.money(1_000_000_00), "quantity": 100_000}
    return Answer({"sellerRegistrationCompleted": True, "sellingLimit": limit})


def policies(kind: str) -> object:
    """Build the answer of getFulfillmentPolicies and its two sisters: one policy of the seller's."""

    def answer(state: State, _: Call) -> Answer:
        policy = {
            f"{kind}PolicyId": f"{kind}-1",
            "name": f"Standard {kind}",
            "marketplaceId": state.site,
            **_MORE[kind],
        }
        return Answer({f"{kind}Policies": [policy], "total": 1, "limit": 20, "offset": 0, "href": ""})

    return answer


def locations(state: State, _: Call) -> Answer:
    """getInventoryLocations."""
    place: Json = {"merchantLocationKey": "warehouse", "name": "Warehouse", "merchantLocationStatus": "ENABLED"}
    place |= {
        "phone": "",
        "location": {"locationId": "L1", "address": {"country": "US", "postalCode": "12345", "stateOrProvince": "IL"}},
    }
    return Answer({"locations": [place], "total": 1, "limit": 100, "offset": 0, "href": f"/{state.site}"})
