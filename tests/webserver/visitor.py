"""Somebody at a browser without scripts, over the ASGI app of a house: keeps cookies, follows nothing by itself."""

import re
from typing import Any

import httpx

from tests.webserver.household import PASSWORD, House
from tests.webserver.wellformed import Read, read

__all__ = ["Visitor", "enter"]

HOME = "http://127.0.0.1"


class Visitor:
    """One browser. `address` is where it calls from."""

    def __init__(self, house: House, *, address: str = "127.0.0.1", base: str = HOME) -> None:
        self.house = house
        transport = httpx.ASGITransport(house.web(), client=(address, 50000))
        self.client = httpx.AsyncClient(transport=transport, base_url=base)
        self.base = base

    def get(self, path: str, **how: Any) -> httpx.Response:
        """Load a page."""
        return self.house.run(self.client.get(path, **how))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form, as a browser does from one of our own pages unless the headers say otherwise."""
        said = {"origin": self.base, "sec-fetch-site": "same-origin", **headers}
        return self.house.run(self.client.post(path, data=fields, headers={k: v for k, v in said.items() if v}))

    def page(self, path: str) -> Read:
        """Load a page that must be there and well made."""
        answer = self.get(path)
        assert answer.status_code == 200, (answer.status_code, answer.headers.get("location"), answer.text)
        found = read(answer.text)
        assert not found.problems, (path, found.problems)
        return found

    def token(self, path: str) -> str:
        """Return the token of a page's form."""
        found = re.search(r'name="form" value="([^"]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def log_in(self, password: str = PASSWORD, *, to: str = "/") -> httpx.Response:
        """Enter a password."""
        path = f"/login?next={to}" if to != "/" else "/login"
        return self.post("/login", {"form": self.token(path), "password": password, "next": to})


def enter(house: House, **how: Any) -> Visitor:
    """Return a visitor who has logged in."""
    visitor = Visitor(house, **how)
    assert visitor.log_in().status_code == 303
    return visitor
