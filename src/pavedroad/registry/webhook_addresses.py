"""Where webhooks may go: public https, and the hosts that `webhook_hosts` names.

Looked at twice: the address when it is given, and each machine it turns out to be when it is called, so that
a name cannot lead into the network of the server.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

import msgspec

from pavedroad.errors import ConfigError, Invalid

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_URL = 2000
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AllowedHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts beyond the public ones; they may be called over http, too."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def has_name(self, host: str) -> bool:
        return "*" in self.names or host.lower() in self.names

    def has_ip(self, ip: IP) -> bool:
        return any(ip in network for network in self.networks)


def read_allowed(setting: str) -> AllowedHosts:
    """`hooks.example.org, 10.0.0.0/8`. Raises ConfigError for what is neither a name nor a network."""
    names, networks = set(), []
    for part in filter(None, (part.strip().lower() for part in setting.split(","))):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            if "/" in part or ":" in part or " " in part:
                raise ConfigError(
                    f"webhook_hosts: {part!r} is neither a host nor a network",
                    hint="write hooks.example.org, 10.0.0.5 or 10.0.0.0/8",
                ) from None
            names.add(part)
    return AllowedHosts(names=frozenset(names), networks=tuple(networks))


def check_url(url: str, allowed: AllowedHosts) -> SplitResult:
    """The parts of an address that may be called as far as one can see without asking for its machine."""
    if not url.strip():
        raise Invalid(
            f"Webhook URL cannot be empty or just whitespace: {url!r}", hint="give an https address"
        )
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise Invalid(f"Invalid webhook URL {url[:100]!r}", hint="give a plain https address")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(f"Invalid webhook URL {url!r}: {error}", hint="give a plain https address") from None
    literal = _literal(host or "")
    listed = bool(host) and (
        allowed.has_name(host or "") or (literal is not None and allowed.has_ip(literal))
    )
    if parts.scheme != "https" and not (parts.scheme == "http" and listed):
        raise Invalid(
            f"Invalid webhook URL scheme: {parts.scheme!r}. Allowed schemes are: https.",
            hint="use https, or let the server's setting webhook_hosts name the host",
        )
    if not host:
        raise Invalid(f"Webhook URL must include a hostname: {url!r}", hint="write https://host/path")
    if "@" in parts.netloc:
        raise Invalid("Webhook URL must not hold a user name or a password", hint="use the webhook's secret")
    if not listed and (_is_local_name(host) or (literal is not None and not _is_public(literal))):
        raise _not_public(host)
    return parts


def machines(host: str, port: int, allowed: AllowedHosts) -> list[tuple[str, int]]:
    """The addresses to connect to, every one of them allowed. Raises Invalid; OSError for an unknown name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if not (allowed.has_name(host) or allowed.has_ip(ip) or _is_public(ip)):
            raise _not_public(host)
    return [(address, port) for address in addresses]


def _literal(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # 127.1, 0x7f000001 and the like are numbers to the resolver.
        try:
            return ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, UnicodeEncodeError, ValueError):
            return None


def _is_local_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith((".localhost", ".local", ".internal"))


def _is_public(ip: IP) -> bool:
    """Also for an IPv4 address inside an IPv6 one."""
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour
        if inside is None and ip in NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return inside.is_global and not inside.is_multicast
    return ip.is_global and not ip.is_multicast


def _not_public(host: str) -> Invalid:
    return Invalid(
        f"Webhook URL must not resolve to a non-public IP address: {host!r}",
        hint="let the server's setting webhook_hosts name the host if that is meant",
    )
