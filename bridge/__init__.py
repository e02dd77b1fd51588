"""The bridge: one ledger for a merchant's shops, marketplaces and tills."""

import logging

# Whoever runs the bridge says where its log goes; `bridge run` sends it to stderr.
logging.getLogger("bridge").addHandler(logging.NullHandler())
