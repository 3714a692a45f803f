"""Which network addresses belong to the public internet. Knows no sockets and no names."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# Source: RFC 4291 section 2.4 (global unicast), RFC 6052 section 2.1 (IPv4 behind NAT64).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Tell whether `text` is the address of a single host on the public internet.

    An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) is public only when that one is.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    inner = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
    return _is_public_v4(inner) if inner else _is_public_v6(address)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast


def _is_public_v6(address: IPv6Address) -> bool:
    carried = [one for one in (address.sixtofour, *(address.teredo or ())) if one is not None]
    return address in _GLOBAL_UNICAST and address.is_global and all(map(_is_public_v4, carried))
