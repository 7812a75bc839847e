from __future__ import annotations

import pytest

from flask_sipvault.analysis.ladder.aliases import AliasError
from flask_sipvault.analysis.ladder.aliases import Aliases
from flask_sipvault.protocols.address import Endpoint

NAMES = Aliases(
    {
        "0.0.0.0/0": "the internet",
        "10.0.0.0/8": "our network",
        "10.8.0.0/16": "SBCs",
        "10.8.0.14": "SBC-1",
        "10.8.0.14:5080": "voice mail",
        "2001:db8::/32": "branch",
        "[2001:db8::1]:5060": "PBX",
    }
)


@pytest.mark.parametrize(
    ("ip", "port", "name"),
    [
        ("10.8.0.14", 5080, "voice mail"),
        ("10.8.0.14", 5060, "SBC-1"),
        ("10.8.0.14", 0, "SBC-1"),
        ("10.8.99.1", 5060, "SBCs"),
        ("10.9.0.1", 5060, "our network"),
        ("192.0.2.1", 5060, "the internet"),
        ("2001:db8::1", 5060, "PBX"),
        ("2001:db8::1", 5061, "branch"),
        ("2001:db9::1", 5060, ""),
    ],
)
def test_the_closest_name_counts(ip: str, port: int, name: str) -> None:
    assert NAMES.name(Endpoint(ip, port)) == name


def test_without_names_nothing_has_one() -> None:
    assert Aliases().name(Endpoint("192.0.2.1", 5060)) == ""


@pytest.mark.parametrize("key", ["sbc.example.com", "10.8.0", "10.8.0.14:99999", ""])
def test_what_is_no_address_is_refused(key: str) -> None:
    with pytest.raises(AliasError, match="neither an address nor a network"):
        Aliases({key: "SBC-1"})


def test_a_network_with_bits_of_a_host_is_refused_and_the_network_named() -> None:
    with pytest.raises(AliasError, match=r"did you mean 10\.8\.0\.0/16\?"):
        Aliases({"10.8.0.14/16": "SBC-1"})
