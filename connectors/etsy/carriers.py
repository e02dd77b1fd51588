"""Carriers in Etsy's words and ours. Pure."""

import re
from collections.abc import Mapping

__all__ = ["OTHER", "etsys_name", "our_name"]

# Etsy's word for a carrier that it does not know (specification of createReceiptShipment).
OTHER = "other"
# Etsy's word -> how people write it; the carriers of the countries that most sellers ship from. Etsy publishes no list, so a word
# that it refuses is sent as "other".
_NAMES: Mapping[str, tuple[str, ...]] = {
    "usps": ("USPS", "United States Postal Service"),
    "ups": ("UPS", "United Parcel Service"),
    "fedex": ("FedEx", "Federal Express"),
    "dhl": ("DHL", "DHL Express"),
    "dhl-germany": ("DHL Germany", "DHL Paket"),
    "deutsche-post": ("Deutsche Post",),
    "royal-mail": ("Royal Mail",),
    "parcelforce": ("Parcelforce",),
    "hermes": ("Hermes", "Evri"),
    "dpd": ("DPD",),
    "dpd-uk": ("DPD UK",),
    "gls": ("GLS",),
    "canada-post": ("Canada Post",),
    "australia-post": ("Australia Post",),
    "an-post": ("An Post",),
    "la-poste-colissimo": ("La Poste", "Colissimo"),
    "chronopost": ("Chronopost",),
    "mondial-relay": ("Mondial Relay",),
    "postnl": ("PostNL",),
    "bpost": ("bpost",),
    "poste-italiane": ("Poste Italiane",),
    "correos-spain": ("Correos",),
    "postnord": ("PostNord",),
}


def etsys_name(carrier: str) -> str:
    """Return Etsy's word for a carrier, "other" for one that it is not known to have."""
    return _BY_LETTERS.get(_letters(carrier), OTHER)


def our_name(carrier: str) -> str:
    """Return how people write a carrier that Etsy names."""
    return _NAMES.get(carrier, (carrier,))[0]


def _letters(carrier: str) -> str:
    return re.sub(r"[^a-z]", "", carrier.lower())


_BY_LETTERS = {_letters(name): word for word, names in _NAMES.items() for name in (word, *names)}
