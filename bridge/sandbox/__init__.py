"""Stand-ins of the platforms: stateful, speaking their real HTTP interfaces, sharing no code with the connectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["STAND_INS", "StandInFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInFacts:
    """What is known of a stand-in before it is built by `bridge.sandbox.<platform>.build`.

    channel   what its channel is called where nobody says otherwise
    host      the host name it has in process
    hosts     more host names that the platform answers at (a token service, a queue), as the connector's own defaults name them
    sells     shoppers or clerks can buy there (a catalogue surface only shows)
    options   of its first try: one location, so that no decision is needed
    """

    channel: str
    host: str
    hosts: tuple[str, ...] = ()
    sells: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


STAND_INS: Mapping[str, StandInFacts] = MappingProxyType(
    {
        "woocommerce": StandInFacts(channel="shop", host="woo.sandbox"),
        "shopify": StandInFacts(channel="store", host="demo.myshopify.com"),
        "square": StandInFacts(channel="till", host="square.sandbox", options={"locations": ("Main Street",)}),
        "amazon": StandInFacts(channel="amazon", host="amazon.sandbox"),
    }
)
