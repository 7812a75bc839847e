"""``oneway-private-sdp`` and ``rtp-source-differs``: audio that goes to, or comes from,
another address than described.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_sipvault.analysis.call import Call
from flask_sipvault.protocols.address import Endpoint

from ..conftest import Story
from ..talks import heard
from .conversations import block
from .conversations import receiver_report
from .conversations import reports
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the

HOME = Endpoint("192.168.77.23", 11780)
OUTSIDE = Endpoint("203.0.113.140", 49210)
SERVER = Endpoint("198.51.100.30", 17342)


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A phone behind NAT, at 203.0.113.140 from outside, and a public server."""
    hosts = {
        "phone": Endpoint("203.0.113.140", 34117),
        "server": Endpoint("198.51.100.30", 5060),
    }
    monkeypatch.setattr(Story, "hosts", hosts)
    return Story()


def calls_the_server(
    story: Story, *, named: Endpoint = HOME, extra: str = "", talk: float = 10
) -> Story:
    story.invite(0, "phone > server", sdp=f"PCMU {named}{extra}")
    story.reply(1, "200 OK", "server > phone", sdp=f"PCMU {SERVER}{extra}")
    return story.message(
        1 + talk, "phone > server", "BYE", cseq="2 BYE", branch="z9hG4bK2"
    )


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_audio_is_sent_to_the_private_address_of_the_caller(
    story: Story, shape: str
) -> None:
    calls_the_server(story)
    heard(story, OUTSIDE, SERVER, 1, seconds=10)
    heard(story, SERVER, HOME, 2, seconds=10)
    call = reshaped(FULL_SHAPES[shape], story.evidence)
    finding = the(call, "oneway-private-sdp")
    assert (finding.severity, finding.certainty) == ("error", "certain")
    assert finding.variant == "caller"
    kinds = [(each.kind, each.n) for each in finding.evidence]
    assert kinds[0] == ("message", 1)
    assert ("stream", 2) in kinds


def test_audio_is_sent_to_the_private_address_of_the_called_side(story: Story) -> None:
    inside, cloud = Endpoint("172.31.9.14", 10032), Endpoint("198.51.100.30", 10032)
    story.invite(0, "phone > server", sdp=f"PCMU {OUTSIDE}")
    story.reply(1, "200 OK", "server > phone", sdp=f"PCMU {inside}")
    story.message(11, "server > phone", "BYE", cseq="1 BYE", tags="b a")
    heard(story, OUTSIDE, inside, 1, seconds=10)
    heard(story, cloud, OUTSIDE, 2, seconds=10)
    assert the(story.call(), "oneway-private-sdp").variant == "callee"


def test_from_a_server_that_is_itself_behind_a_one_to_one_nat(story: Story) -> None:
    """As servers in clouds are: the capture there shows their private addresses."""
    Story.hosts["server"] = Endpoint("10.0.0.5", 5060)
    cloud = Endpoint("10.0.0.5", 17342)
    story.invite(0, "phone > server", sdp=f"PCMU {HOME}")
    story.reply(1, "200 OK", "server > phone", sdp=f"PCMU {SERVER}")
    story.message(11, "phone > server", "BYE", cseq="2 BYE")
    heard(story, OUTSIDE, cloud, 1, seconds=10)
    heard(story, cloud, HOME, 2, seconds=10)
    assert the(story.call(), "oneway-private-sdp").variant == "caller"


def test_it_is_only_likely_where_nothing_comes_from_that_side(story: Story) -> None:
    calls_the_server(story)
    heard(story, SERVER, HOME, 2, seconds=10)
    finding = the(story.call(), "oneway-private-sdp")
    assert (finding.variant, finding.certainty) == ("caller-unseen", "likely")


def latches(story: Story) -> None:
    calls_the_server(story)
    heard(story, SERVER, OUTSIDE, 2, seconds=10)


def latches_after_two_seconds(story: Story) -> None:
    calls_the_server(story)
    heard(story, SERVER, HOME, 2, seconds=2)
    heard(story, SERVER, OUTSIDE, 2, at=3, seconds=8)


def is_reported_on(story: Story) -> None:
    """The phone's router maps what comes from the server's address by itself."""
    calls_the_server(story)
    heard(story, SERVER, HOME, 2, seconds=10)
    reports(story, 6, OUTSIDE, SERVER, receiver_report(1, block(2, highest=250)))


def uses_ice(story: Story) -> None:
    calls_the_server(
        story, extra="\na=ice-ufrag:8hhY\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host"
    )
    heard(story, SERVER, HOME, 2, seconds=10)


def is_in_the_lan(story: Story) -> None:
    Story.hosts["phone"] = Endpoint(HOME.ip, 5060)
    calls_the_server(story)
    heard(story, SERVER, HOME, 2, seconds=10)


@pytest.mark.parametrize(
    "healthy",
    [latches, latches_after_two_seconds, is_reported_on, uses_ice, is_in_the_lan],
)
def test_nothing_is_said_where(story: Story, healthy: Callable[[Story], None]) -> None:
    source = HOME if healthy is is_in_the_lan else OUTSIDE
    heard(story, source, SERVER, 1, seconds=10)
    healthy(story)
    assert ids(story.call()) == []


def info_of(call: Call) -> list[tuple[str, str]]:
    return [(f.id, f.variant) for f in call.findings if f.severity == "info"]


def test_that_it_works_from_another_source_is_an_information(story: Story) -> None:
    calls_the_server(story)
    heard(story, OUTSIDE, SERVER, 1, seconds=10)
    heard(story, SERVER, OUTSIDE, 2, seconds=10)
    assert ("rtp-source-differs", "latched") in info_of(story.call())


def test_who_sends_from_another_port_of_his(story: Story) -> None:
    calls_the_server(story, named=Endpoint("203.0.113.140", 11780))
    heard(story, OUTSIDE, SERVER, 1, seconds=10)
    heard(story, SERVER, Endpoint("203.0.113.140", 11780), 2, seconds=10)
    assert ("rtp-source-differs", "port") in info_of(story.call())


def test_a_receiver_that_hears_nothing_of_it(story: Story) -> None:
    calls_the_server(story, named=Endpoint("203.0.113.99", 11780), talk=20)
    heard(story, OUTSIDE, SERVER, 1, seconds=20)
    heard(story, SERVER, Endpoint("203.0.113.99", 11780), 2, seconds=20)
    for at in (5, 10, 15):
        reports(story, at, SERVER, Endpoint("203.0.113.99", 11780), receiver_report(2))
        reports(
            story,
            at,
            Endpoint("203.0.113.99", 11780),
            SERVER,
            receiver_report(1, block(2, highest=50 * at)),
        )
    finding = the(story.call(), "rtp-source-differs")
    assert (finding.severity, finding.variant) == ("warning", "unheard")


def test_a_capture_inside_of_the_senders_nat(story: Story) -> None:
    """The host writes its external address, and sends from its own."""
    calls_the_server(story, named=Endpoint("203.0.113.140", 11780))
    heard(story, Endpoint("10.0.0.9", 11780), SERVER, 1, seconds=10)
    heard(story, SERVER, Endpoint("203.0.113.140", 11780), 2, seconds=10)
    assert info_of(story.call()) == []


def test_other_addresses_of_ice_are_no_surprise(story: Story) -> None:
    ice: Any = "\na=ice-ufrag:8hhY"
    calls_the_server(story, named=Endpoint("203.0.113.99", 11780), extra=ice)
    heard(story, OUTSIDE, SERVER, 1, seconds=10)
    assert info_of(story.call()) == []
