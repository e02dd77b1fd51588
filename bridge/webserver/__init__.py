"""The web side of the daemon: webhook endpoints, the page, the API. Thin: parse, call one method, answer."""
