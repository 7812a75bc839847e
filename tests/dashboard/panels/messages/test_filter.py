from __future__ import annotations

import pytest

from flask_sipvault.analysis.sip.messages import Message
from flask_sipvault.analysis.sip.messages import read_messages
from flask_sipvault.dashboard.panels.messages.filter import MessageFilter

from ...calls import packet

NAMES = "Alice SBC-1"


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    """An INVITE from Alice to Bob, a 180 and a 486 back, a BYE."""
    return read_messages(
        [
            packet("INVITE sip:b SIP/2.0", headers="User-Agent: Phone 1.0\r\n"),
            packet("SIP/2.0 180 Ringing", after_ms=20, back=True),
            packet("SIP/2.0 486 Busy Here", after_ms=900, back=True),
            packet("BYE sip:b SIP/2.0", after_ms=990),
        ]
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [1, 2, 3, 4]),
        ("INVITE", [1, 2, 3]),
        ("bye", [4]),
        ("486", [3]),
        ("4xx", [3]),
        ("1XX", [2]),
        ("5xx", []),
        ("192.0.2.1", [1, 2, 3, 4]),
        ("[2001:db8::2]:5060", [1, 2, 3, 4]),
        ("192.0.2.9", []),
        ("phone", [1]),
        ('"busy here"', [3]),
        ('"busy here', [3]),
        ("sbc-1", [1, 2, 3, 4]),
        ("INVITE 4xx", [3]),
        ("BYE 4xx", []),
        ('"486"', [3]),
    ],
)
def test_every_word_has_to_fit(
    words: str, found: list[int], messages: list[Message]
) -> None:
    wanted = MessageFilter(words)
    assert [m.n for m in messages if wanted.fits(m, NAMES)] == found
    assert bool(wanted) is (words != "")


def test_what_is_no_sip_is_found_by_its_text_and_address() -> None:
    item = packet("INVITE sip:b SIP/2.0")
    item.payload = b"INVITE\r\nnonsense \xff"
    (message,) = read_messages([item])
    assert MessageFilter("nonsense 192.0.2.1").fits(message, "")
    assert not MessageFilter("INVITE").fits(message, "")
