"""HTTP manners, once for all connectors: pooling, budgets, retries, redaction, paging."""
