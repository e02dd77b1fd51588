"""The only throttling a WooCommerce shop has: its web host's. WordPress itself never answers 429."""

from bridge.sandbox.kit.faults import Fault

_PAGE = (
    b"<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n"
    b"<center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def host_throttle(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    """Answer as nginx in front of the shop: HTML, and Retry-After only where the fault gives seconds."""
    headers = {"content-type": "text/html", "server": "nginx"}
    if fault.seconds:
        headers["retry-after"] = f"{fault.seconds:g}"
    return 429, headers, _PAGE
