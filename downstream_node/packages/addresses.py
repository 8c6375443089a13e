"""Which network addresses a link may lead to: those of the public internet. Pure.

Written out after the special-purpose registries of IANA, since what Python's `is_global` says
has changed between its releases. IPv6 is a list of what is allowed: new ranges stay out.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Network,
    ip_address,
)

REFUSED_V4 = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Public by its number, but inside Azure it is the host of the machine.
        "168.63.129.16/32",
    )
]
UNICAST_V6 = IPv6Network("2000::/3")
REFUSED_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarking, identifiers that are no places
        "2001:db8::/32",
        "2002::/16",  # 6to4 hides an IPv4 address
        "3fff::/20",
    )
]
CARRIERS_V6 = [IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")]
"""IPv4-mapped and NAT64: the last 32 bits are the IPv4 address that is really meant."""


def is_public(address: str) -> bool:
    """Whether *address* is one that anybody on the internet reaches; False for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return is_public_v4(found)
    if found.scope_id is not None:
        return False
    if any(found in network for network in CARRIERS_V6):
        return is_public_v4(IPv4Address(int(found) & 0xFFFFFFFF))
    return found in UNICAST_V6 and not any(found in network for network in REFUSED_V6)


def is_public_v4(address: IPv4Address) -> bool:
    """Whether *address* is in none of the ranges that have a special purpose."""
    return not any(address in network for network in REFUSED_V4)
