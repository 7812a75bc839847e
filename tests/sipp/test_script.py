"""Whatever part of a call was captured gives a script that SIPp takes, or none."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.sipp import NoScriptError
from flask_sipvault.sipp import scenario
from flask_sipvault.sipp import Side
from flask_sipvault.sipp.script import Expect
from flask_sipvault.sipp.script import script
from flask_sipvault.sipp.script import Send

from . import calls

_RECORDINGS = Path(__file__).parents[1] / "data" / "agent"


def _packets(name: str) -> list[SipPacket]:
    with (_RECORDINGS / f"{name}.pcap").open("rb") as file:
        return next(
            import_capture(read_capture(file), customer_id="acme", source=name)
        ).sip


_WHOLE = [_packets(name) for name in ("proxy_baresip", "cancel_487", "auth_invite")] + [
    story().call().evidence.sip
    for story in (calls.reliably_ringing, calls.held_by_the_called_side)
]

_parts = st.sampled_from(_WHOLE).flatmap(
    lambda packets: st.lists(st.sampled_from(packets), unique_by=id)
)
_sides: st.SearchStrategy[Side] = st.sampled_from(["uac", "uas"])


@given(_parts, _sides)
def test_any_part_of_a_call_gives_a_document_or_says_why_not(
    packets: list[SipPacket], side: Side
) -> None:
    call = explain(Evidence("acme", "x", sip=packets))
    try:
        text = scenario(call, side)
    except NoScriptError:
        return
    steps = list(ElementTree.fromstring(text))
    assert steps
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.get("optional"):
            # SIPp refuses a file in which something else follows.
            assert following is not None
            assert following.tag == "recv"


def test_a_response_sent_after_another_request_is_late() -> None:
    steps = script(calls.reliably_ringing().call(), "uas")
    late = [it.message.summary for it in steps if isinstance(it, Send) and it.late]
    kept = [it.method for it in steps if isinstance(it, Expect) and it.kept]
    assert (late, kept) == (["200 OK"], ["INVITE"])


def test_an_ack_to_a_refusal_belongs_to_its_invite() -> None:
    steps = script(calls.from_a_hostile_caller().call(), "uac")
    invite, ack = (step for step in steps if isinstance(step, Send))
    assert ack.invite is invite.message
