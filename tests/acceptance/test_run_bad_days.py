"""Bad days of a daemon that is left running: it stays, says what is wrong, and goes on by itself when that is over."""

import json
import re
import resource
import signal
import socket
from typing import Any

import pytest

from tests.acceptance.conftest import STOCK
from tests.acceptance.house import Daemon
from tests.acceptance.trio import Trio, free_port


def reload(daemon: Daemon, pattern: str) -> str:
    """Have it read its config again; return what it says to that."""
    before = len(daemon.lines)
    daemon.process.send_signal(signal.SIGHUP)
    return daemon.says(pattern, after=before)


def test_a_config_that_is_edited_while_it_runs(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    file = trio.bridge.folder / "config.toml"
    good = file.read_text()
    line = good.splitlines().index("[stock]") + 2
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        wrong = {
            good.replace(
                'grace = "1s"', 'grce = "1s"'
            ): f"config.toml, line {line}: unknown key grce in stock: did you mean grace",
            good.replace("access_token", "acces_token"): "unknown key acces_token in channels.store",
            "this is no TOML": "config.toml, line 1",
            'database = "other.db"\n' + good: "the config names another database",
            good.replace(str(trio.port), "99999"): "cannot listen on 127.0.0.1:99999",
        }
        for text, said in wrong.items():
            file.write_text(text)
            assert said in reload(daemon, "the config stays as it was")
            assert daemon.get("/health")[0] == 200
        trio.sale("shop", "TEE")
        trio.agree(TEE=1)

        file.write_text(good.replace("[stock]", "[stock]\nbuffer = 2"))
        reload(daemon, "the new config is in force")
        buffered = {sku: units - 2 - (sku == "TEE") for sku, units in STOCK.items()}
        trio.house.pulse.until(lambda: all(one == buffered for one in trio.stock().values()))
        assert daemon.get("/health")[0] == 200

        moved = free_port()
        file.write_text(file.read_text().replace(str(trio.port), str(moved)))
        assert f":{moved}," in reload(daemon, "listening on")
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", trio.port)) != 0
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", moved)) == 0
        assert daemon.end() == 0
    trio.sound()


def test_a_platform_that_answers_html_and_a_token_that_is_revoked_stop_only_their_channel(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    till: Any = trio.channels["till"]
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        till.fault("html", times=None)
        trio.sale("shop", "TEE")
        trio.house.pulse.until(lambda: trio.channels["store"].stock()["TEE"] == STOCK["TEE"] - 1)
        trio.house.pulse.until(lambda: trio.states(daemon) == {"shop": "ok", "store": "ok", "till": "failing"})
        daemon.says("till is failing: .*a web page instead of JSON")
        till.mend()
        trio.agree(TEE=1)

        token = till.platform.shop.state.token
        token.revoked = True
        trio.sale("store", "CAP")
        trio.house.pulse.until(lambda: trio.channels["shop"].stock()["CAP"] == STOCK["CAP"] - 1)
        trio.house.pulse.until(lambda: trio.states(daemon) == {"shop": "ok", "store": "ok", "till": "resting"})
        trio.house.pulse.until(
            lambda: [one for one in beat(trio) if one["channel"] == "till" and one["state"] == "resting"]
        )
        assert re.search(r"till +resting .*[Rr]evoked", trio.bridge("status").out)
        assert [one["channel"] for one in trio.bridge("parked", "--json").json] == ["till"]
        token.revoked = False
        trio.agree(TEE=1, CAP=1)
        trio.house.pulse.until(lambda: trio.states(daemon)["till"] == "ok")
        assert daemon.end() == 0
    assert trio.bridge("parked", "--json").json == []
    trio.sound()


def beat(trio: Trio) -> list[dict[str, Any]]:
    """What the daemon left for `bridge status` the last time."""
    channels: list[dict[str, Any]] = json.loads(trio.rows("select value from meta where name = 'daemon'")[0][0])[
        "channels"
    ]
    return channels


def test_a_disk_that_is_full_for_a_while(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=True)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.hooked(daemon)
        trio.agree()
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, hard))
        trio.sale("shop", "TEE")
        trio.house.pulse.until(lambda: [one for one in trio.house.posted if one.status == 503])
        daemon.says("is failing: .*bridge.db")
        assert daemon.get("/health")[0] == 200
        assert trio.channels["till"].stock() == STOCK
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        trio.agree(TEE=1)
        assert daemon.end() == 0
    trio.sound()


@pytest.mark.parametrize(
    ("listen", "said"), [("127.0.0.1:{port}", "Address already in use"), ("127.0.0.1:http", "HOST:PORT")]
)
def test_an_address_that_cannot_be_had(trio: Trio, listen: str, said: str) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    file = trio.bridge.folder / "config.toml"
    listen = listen.format(port=trio.port)
    file.write_text(file.read_text().replace(f"127.0.0.1:{trio.port}", listen))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", trio.port))
        taken.listen()
        ran = trio.bridge("run", code=1)
    assert ran.err.startswith(f"cannot listen on {listen}: ")
    assert said in ran.err
    assert "next: change `listen` in [daemon]" in ran.err
