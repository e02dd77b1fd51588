"""The bridge: one ledger for a merchant's shops, marketplaces and tills."""

import logging

__version__ = "0.2.0"

# Whoever runs the bridge says where its log goes; `bridge run` sends it to stderr.
logging.getLogger("bridge").addHandler(logging.NullHandler())
