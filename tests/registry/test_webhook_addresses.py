from __future__ import annotations

import pytest

from pavedroad.errors import ConfigError, Invalid
from pavedroad.registry.webhook_addresses import AllowedHosts, check_url, machines, read_allowed

PUBLIC_ONLY = AllowedHosts()


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/a?b=c", "https://93.184.216.34:8443/x", "https://[2606:4700::1111]/"]
)
def test_a_public_https_address_is_taken(url: str) -> None:
    assert check_url(url, PUBLIC_ONLY).scheme == "https"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be empty or just whitespace"),
        ("  ", "cannot be empty or just whitespace"),
        ("http://hooks.example.org/", "Invalid webhook URL scheme: 'http'"),
        ("ftp://hooks.example.org/", "Invalid webhook URL scheme: 'ftp'"),
        ("file:///etc/passwd", "Invalid webhook URL scheme: 'file'"),
        ("hooks.example.org", "Invalid webhook URL scheme: ''"),
        ("https://", "must include a hostname"),
        ("https://ada:pw@hooks.example.org/", "must not hold a user name or a password"),
        ("https://hooks.example.org:99999/", "Invalid webhook URL"),
        ("https://[::1", "Invalid webhook URL"),
        ("https://hooks.example.org/\r\nX: y", "Invalid webhook URL"),
        ("https://hooks.example.org/" + "a" * 2000, "Invalid webhook URL"),
    ],
)
def test_what_is_no_https_address_is_refused(url: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_url(url, PUBLIC_ONLY)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "10.0.0.5",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "metadata.google.internal",
    ],
)
def test_an_address_inside_the_network_is_refused(host: str) -> None:
    with pytest.raises(Invalid, match="must not resolve to a non-public IP address"):
        check_url(f"https://{host}/", PUBLIC_ONLY)


def test_a_name_that_leads_inside_is_refused_when_called() -> None:
    with pytest.raises(Invalid, match="non-public"):
        machines("localhost", 80, PUBLIC_ONLY)


def test_hosts_of_the_setting_may_be_called_over_http() -> None:
    allowed = read_allowed("hooks.local, 10.0.0.0/8,127.0.0.1")
    for url in ("http://hooks.local/x", "http://10.9.8.7/", "http://127.0.0.1:5000/", "https://hooks.local/"):
        check_url(url, allowed)
    assert machines("127.0.0.1", 5000, allowed) == [("127.0.0.1", 5000)]
    with pytest.raises(Invalid):
        check_url("http://127.0.0.2/", allowed)


@pytest.mark.parametrize("setting", ["http://hooks.local", "10.0.0.0/99", "a b"])
def test_a_setting_that_names_no_host_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match="neither a host nor a network"):
        read_allowed(setting)
