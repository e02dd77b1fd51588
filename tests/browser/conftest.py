"""Real headless Chromium before a real server on loopback, over a house with a history."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.webserver.household import PASSWORD, House, lived_in

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 30_000  # milliseconds until a test that waits in vain fails; no test depends on it otherwise


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Desk:
    """A person at a browser. `complaints` is what the browser had to say: errors, CSP violations, pages that did not load."""

    house: House
    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)

    def log_in(self) -> None:
        """Enter the password."""
        self.open("/login")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.url}/")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; skips, saying why, where this machine has none.

    For a module, not for the session: while it is open, its event loop counts as running in this thread, and the tests of other
    modules could not run theirs.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: install the system's package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a history, made in a thread of its own: the browser's loop runs in this one, and one thread has one loop."""
    with ThreadPoolExecutor(1) as elsewhere:
        house = elsewhere.submit(lived_in, tmp_path).result()
        yield house
        elsewhere.submit(house.close).result()


@pytest.fixture
def url(house: House) -> Iterator[str]:
    """The address of its web server."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    config = uvicorn.Config(house.web(), log_level="critical", lifespan="off", access_log=False)
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(PATIENCE / 1000)
    assert not thread.is_alive()
    sock.close()


@pytest.fixture
def desk(house: House, url: str, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A browser with nothing open yet; parametrise it indirectly with the context's options. Nothing may be complained of."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **getattr(request, "param", {})}
    context: BrowserContext = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE)
    desk = Desk(house=house, url=url, page=context.new_page())
    desk.page.on("console", lambda message: desk.complaints.append(f"{message.type}: {message.text}"))
    desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    desk.page.on("requestfailed", lambda failed: desk.complaints.extend(_told(failed)))
    desk.page.on("dialog", lambda dialog: desk.complaints.append(f"a dialog: {dialog.message}"))
    yield desk
    context.close()
    assert desk.complaints == []


def _told(failed: Request) -> list[str]:
    """What a failed load says; one that the browser broke off itself, going on to the next page, is none."""
    return [] if failed.failure == "net::ERR_ABORTED" else [f"{failed.url} {failed.failure}"]
