"""Stand-ins of the platforms: stateful, speaking their real HTTP interfaces, sharing no code with the connectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["FIRST", "STAND_INS", "StandInFacts", "chosen", "hosts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInFacts:
    """What is known of a stand-in before it is built by `bridge.sandbox.<platform>.build`.

    channel   what its channel is called where nobody says otherwise
    host      the host name it has in process
    hosts     more host names that the platform answers at (a token service, a queue), as the connector's own defaults name them
    sells     shoppers or clerks can buy there (a catalogue surface only shows)
    till      clerks sell what lies on the counter, whatever number the platform shows, and offline too
    options   of its first try: one location, so that no decision is needed
    settings  of its channel in demo and rehearsal, beside the credentials: what would cost a fee elsewhere is bought here, and
              what comes back goes on no shelf where the platform does not put it there
    """

    channel: str
    host: str
    hosts: tuple[str, ...] = ()
    sells: bool = True
    till: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


STAND_INS: Mapping[str, StandInFacts] = MappingProxyType(
    {
        "woocommerce": StandInFacts(channel="shop", host="woo.sandbox"),
        "shopify": StandInFacts(channel="store", host="demo.myshopify.com"),
        "square": StandInFacts(
            channel="till", host="square.sandbox", till=True, options={"locations": ("Main Street",)}
        ),
        "ebay": StandInFacts(channel="ebay", host="ebay.sandbox", settings={"restock": "never"}),
        "etsy": StandInFacts(channel="etsy", host="etsy.sandbox", settings={"restock": "never", "renew": True}),
        "meta": StandInFacts(channel="meta", host="graph.sandbox", sells=False),
        "pinterest": StandInFacts(channel="pinterest", host="pinterest.sandbox", sells=False),
        "google": StandInFacts(channel="google", host="merchant.sandbox", sells=False),
        "amazon": StandInFacts(channel="amazon", host="amazon.sandbox", settings={"restock": "never"}),
    }
)

# Those that take part where nobody says which: a web shop, a store and a till. All of them take their time.
FIRST = ("woocommerce", "shopify", "square")


def chosen(text: str) -> tuple[str, ...]:
    """Read a choice of platforms: "all", or names with commas between; raises ValueError saying what there is."""
    names = tuple(STAND_INS) if text.strip() == "all" else tuple(one.strip() for one in text.split(",") if one.strip())
    unknown = [name for name in names if name not in STAND_INS]
    if unknown:
        raise ValueError(f"there is no platform {unknown[0]}: take some of {', '.join(STAND_INS)}, or all")
    if not names or len(set(names)) != len(names):
        raise ValueError(f"each platform is named once: some of {', '.join(STAND_INS)}, or all")
    return names


def hosts(name: str) -> tuple[str, ...]:
    """Return every host name that a stand-in answers at in process."""
    return (STAND_INS[name].host, *STAND_INS[name].hosts)
