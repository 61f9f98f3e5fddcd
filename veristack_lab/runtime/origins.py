"""Which requests a server on loopback takes: a pure decision from `Host` and `Origin`.

A page of the web can make its reader's browser call a server on this machine, either directly or
under a name of its own that it lets point here (DNS rebinding). The browser shows this in the
headers `Origin` and `Host`. A client that is not a browser names the machine itself and sends no
origin.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

LOCAL_NAME = "localhost"
_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\s]+)(:\d{1,5})?")


def name_of(authority: str) -> str | None:
    """The host of `host[:port]` in lower case, without brackets; None if it is not one."""
    found = _AUTHORITY.fullmatch(authority)
    return found["name"].strip("[]").rstrip(".").lower() if found else None


def allows_host(host: str, names: Collection[str] = ()) -> bool:
    """Whether a request with this `Host` is meant for this machine.

    Loopback names and literal addresses are; a literal address cannot be rebound.

    Args:
        host: the header's value.
        names: further names in lower case.
    """
    name = name_of(host)
    return name is not None and (
        _is_local_name(name) or _address(name) is not None or name in names
    )


def allows_origin(origin: str, names: Collection[str] = ()) -> bool:
    """Whether a page of this origin may call: pages of this machine, and of the named hosts."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    name = name_of(parts.netloc)
    if parts.scheme not in ("http", "https") or name is None:
        return False
    address = _address(name)
    return _is_local_name(name) or name in names or (address is not None and address.is_loopback)


def _is_local_name(name: str) -> bool:
    return name == LOCAL_NAME or name.endswith(f".{LOCAL_NAME}")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
