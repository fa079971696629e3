"""Test how addresses are read."""

from perflab.base import network


def test_addresses_are_read_as_people_write_them():
    parse = network.Address.parse

    assert parse("--bind", "127.0.0.1:8000") == network.Address("127.0.0.1", 8000)
    assert parse("--bind", "[::1]:8000") == network.Address("::1", 8000)
    assert str(parse("--bind", "[::1]:8000")) == "[::1]:8000"
    assert parse("--bind", "localhost:80").is_loopback()
    assert parse("--bind", "127.0.0.2:80").is_loopback()
    assert not parse("--bind", "0.0.0.0:80").is_loopback()
    assert not parse("--bind", "[::]:80").is_loopback()


def test_only_an_address_of_this_machine_is_loopback():
    for host in ("127.0.0.1", "127.9.9.9", "::1", "::1%lo", "localhost"):
        assert network.is_loopback(host)
    for host in ("127.0.0.1%2eevil.com", "127.0.0.1%lo", "fe80::1%lo", "evil.com", "", "127.1"):
        assert not network.is_loopback(host)
