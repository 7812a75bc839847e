"""``contact-transport-unreachable``: Contacts that a proxy cannot send to."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Story
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
