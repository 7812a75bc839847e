"""``contact-transport-unreachable``: Contacts that a proxy cannot send to."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.protocols.tcp import ACK as TCP_ACK
from flask_sipvault.protocols.tcp import RST
from flask_sipvault.protocols.tcp import SYN

from ...wire import icmp
from ...wire import tcp
from ...wire import udp
from ..conftest import NOON
from ..conftest import Story
from .telling import again
from .telling import ids
from .telling import the


class Relayed(Story):
    """A call from Alice by UDP over a proxy to Bob by another transport."""

    def __init__(self, contact: str, transport: Any) -> None:
        super().__init__()
        inner: dict[str, Any] = {"branch": "z9hG4bK9", "transport": transport}
        contacts = (f"Contact: <{contact}>",)
        self.invite(0, "alice > proxy")
        self.invite(0.01, "proxy > bob", **inner)
        self.reply(1, "200 OK", "bob > proxy", headers=contacts, **inner)
        self.reply(1.01, "200 OK", "proxy > alice", headers=contacts)
        self.message(1.1, "alice > proxy", "ACK", cseq="1 ACK", branch="z9hG4bKack")
        self.message(
            1.11, "proxy > bob", "ACK", cseq="1 ACK", **{**inner, "branch": "z9hG4bKac"}
        )

    def refused(self, at: float, start: str) -> Story:
        self.bye(at, "alice > proxy")
        return self.message(
            at + 0.1, "proxy > alice", start, cseq="2 BYE", branch="z9hG4bK2"
        )


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws", "wss"])
@pytest.mark.parametrize(
    "refusal", ["477 Send failed", "500 Cannot connect", "503 Unavailable"]
)
def test_a_proxy_cannot_open_a_connection(transport: str, refusal: str) -> None:
    contact = f"sip:bob@10.8.0.14:5060;transport={transport}"
    story = Relayed(contact, transport).refused(20, refusal)

    finding = the(story.call(), "contact-transport-unreachable")

    assert (finding.variant, finding.certainty) == ("", "likely")
    assert [each.id for each in finding.consequences] == ["bye-refused"]


def test_the_contact_may_forget_the_transport() -> None:
    story = Relayed("sip:bob@10.8.0.14:5060", "tcp").refused(20, "500 Cannot send")
    finding = the(story.call(), "contact-transport-unreachable")
    assert finding.variant == "differs"
    assert finding.parameters["transport"] == "UDP"


def test_over_udp_there_is_no_connection() -> None:
    story = Relayed("sip:bob@10.8.0.14:5060", "udp").refused(20, "503 Overloaded")
    assert ids(story.call()) == ["bye-refused"]


def test_a_side_may_refuse_itself() -> None:
    contact = "sip:bob@10.8.0.14:5060;transport=tcp"
    story = Relayed(contact, "tcp")
    story.bye(20, "alice > proxy")
    inner: dict[str, Any] = {
        "cseq": "2 BYE", "branch": "z9hG4bK7", "tags": "a b", "transport": "tcp",
    }  # fmt: skip
    story.message(20.01, "proxy > bob", "BYE", **inner)
    story.message(20.1, "bob > proxy", "500 Oops", **inner)
    story.message(20.2, "proxy > alice", "500 Oops", cseq="2 BYE", branch="z9hG4bK2")
    assert ids(story.call()) == ["bye-refused"]


def test_another_refusal_has_another_reason() -> None:
    contact = "sip:bob@10.8.0.14:5060;transport=tcp"
    story = Relayed(contact, "tcp").refused(20, "403 Forbidden")
    assert ids(story.call()) == ["bye-refused"]


def test_the_code_may_say_that_a_proxy_could_not_send() -> None:
    """Where only the hop before the proxy was captured."""
    story = Story().invite(0, "alice > proxy")
    contacts = ("Contact: <sip:bob@10.8.0.14:5060;transport=ws>",)
    story.reply(1, "200 OK", "proxy > alice", headers=contacts)
    story.message(1.1, "alice > proxy", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    story.bye(20, "alice > proxy")
    story.message(
        20.1, "proxy > alice", "477 Send failed", cseq="2 BYE", branch="z9hG4bK2"
    )
    assert the(story.call(), "contact-transport-unreachable").variant == ""


# What the network says.


def told(story: Story, at: float, packet: bytes) -> Story:
    event = NetworkEvent.read(NOON + round(at * 1e9), packet)
    assert event is not None
    story.evidence.network.append(event)
    return story


ALICE, BOB = Story.hosts["alice"], Story.hosts["bob"]


def test_nothing_may_listen_at_the_contact() -> None:
    story = Relayed("sip:bob@10.8.0.14", "udp")
    proxy = Story.hosts["proxy"]
    story.bye(20, "alice > proxy")
    again(story.bye, 20.01, "proxy > bob", branch="z9hG4bK7", tags="a b", times=4)
    told(story, 20.02, icmp(3, 3, udp(b"BYE sip:bob", proxy, BOB), quoted=60))

    finding = the(story.call(), "contact-transport-unreachable")

    assert (finding.variant, finding.certainty) == ("closed", "certain")
    assert finding.parameters["place"] == BOB
    assert [each.id for each in finding.consequences] == ["bye-unreachable"]


@pytest.mark.parametrize(
    ("packet", "variant"),
    [
        (tcp(SYN, ALICE, BOB), "no-answer"),
        (tcp(RST | TCP_ACK, BOB, ALICE), "closed"),
        (icmp(3, 1, tcp(SYN, ALICE, BOB)), "no-way"),
        (icmp(3, 13, tcp(SYN, ALICE, BOB), by="203.0.113.1"), "no-way"),
    ],
)
def test_the_ack_may_find_no_connection(packet: bytes, variant: str) -> None:
    story = Story().invite(0)
    contact = ("Contact: <sip:bob@10.8.0.14:5060;transport=tcp>",)
    again(story.reply, 1, "200 OK", headers=contact)
    told(story, 1.1, packet)

    finding = the(story.call(), "contact-transport-unreachable")

    assert finding.variant == variant
    assert [each.id for each in finding.consequences] == ["ack-missing"]


def test_so_may_the_called_side_s_request_to_the_caller() -> None:
    contact = ("Contact: <sip:alice@198.51.100.23;transport=tcp>",)
    story = Story().invite(0, headers=contact).reply(1, "200 OK")
    story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    again(story.bye, 20, "bob > alice", times=5)
    told(story, 20.1, tcp(SYN, BOB, ALICE))
    assert the(story.call(), "contact-transport-unreachable").variant == "no-answer"


def test_a_connection_that_is_closed_after_the_call_is_no_fault() -> None:
    contact = "sip:bob@10.8.0.14:5060;transport=tcp"
    story = Relayed(contact, "tcp").refused(20, "200 OK")
    told(story, 20.5, tcp(RST, BOB, ALICE))
    assert ids(story.call()) == []


def test_what_the_network_says_of_others_is_not_about_the_contact() -> None:
    story = Relayed("sip:bob@10.8.0.14", "udp").refused(20, "403 Forbidden")
    told(story, 20.05, icmp(3, 3, udp(b"RTP", ALICE, BOB._replace(port=17002))))
    assert ids(story.call()) == ["bye-refused"]
