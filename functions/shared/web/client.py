"""The client's address, as the gateway determines it: it replaces what a client writes into the header itself."""

from ipaddress import IPv6Address, ip_address, ip_network

from flask import Request

HEADER = "X-Client-Address"
IPV6_NETWORK_BITS = 64  # what one client has at least, as the gateway's own limits count


def address(request: Request) -> str | None:
    """Return the client's address, None for a request that did not pass the gateway."""
    return request.headers.get(HEADER)


def network(request: Request) -> str:
    """Return the network that counts as one client; empty without an address, which is a network too."""
    try:
        found = ip_address(address(request) or "")
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, IPV6_NETWORK_BITS), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
