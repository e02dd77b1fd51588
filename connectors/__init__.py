"""One package per platform; each translates, none owns a flow."""
