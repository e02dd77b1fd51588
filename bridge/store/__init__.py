"""Where everything is kept: SQL lives here and nowhere else. Plain functions of a connection."""
