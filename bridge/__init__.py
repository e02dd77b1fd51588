"""The bridge: one ledger for a merchant's shops, marketplaces and tills."""
