"""Several legs of one call on one axis of time."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.joined_call import joined
from flask_sipvault.analysis.joined_call import MAX_LEGS
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture


def legs_of(path: Path) -> list[Call]:
    with path.open("rb") as file:
        calls = import_capture(read_capture(file), customer_id="acme", source=path.name)
        return [explain(evidence) for evidence in calls]


@pytest.fixture
def b2bua(own_corpus: Path) -> list[Call]:
    """The caller's leg and the called side's."""
    return legs_of(own_corpus / "b2bua_xcid.pcap")


@pytest.fixture
def transfer(own_corpus: Path) -> list[Call]:
    """Alice's call to Bob, and the one to Carol that Bob sent her on with."""
    return legs_of(own_corpus / "transfer.pcap")


def test_all_messages_in_order_of_time_numbered_anew(b2bua: list[Call]) -> None:
    both = joined(b2bua[0], b2bua[1:])
    assert [m.n for m in both.messages] == list(range(1, 14))
    assert [m.ts for m in both.messages] == sorted(
        m.ts for leg in b2bua for m in leg.messages
    )


def test_each_message_says_of_which_leg_it_is(b2bua: list[Call]) -> None:
    both = joined(b2bua[0], b2bua[1:])
    letters = {"A": b2bua[0], "B": b2bua[1]}
    for message in both.messages:
        assert message.sip is not None
        assert message.sip.call_id == letters[message.leg].evidence.call_id


def test_the_first_letter_is_that_of_the_call_that_is_open(b2bua: list[Call]) -> None:
    both = joined(b2bua[1], b2bua[:1])
    assert both.evidence.call_id == b2bua[1].evidence.call_id
    assert both.messages[0].leg == "B"


def test_a_response_stays_with_the_request_of_its_own_leg(b2bua: list[Call]) -> None:
    both = joined(b2bua[0], b2bua[1:])
    for message in both.messages:
        if message.kind == "response":
            assert message.transaction is not None
            request = both.messages[message.transaction - 1]
            assert (request.leg, request.method) == (message.leg, message.cseq_method)


def test_a_retransmission_stays_with_its_first_sending(agent_corpus: Path) -> None:
    (one,) = legs_of(agent_corpus / "lost_ack_retrans.pcap")
    (other,) = legs_of(agent_corpus / "noanswer.pcap")
    both = joined(one, [other])
    repeated = [m for m in both.messages if m.retransmission_of]
    assert len(repeated) == sum(
        m.retransmission_of is not None for leg in (one, other) for m in leg.messages
    )
    for message in repeated:
        first = both.messages[(message.retransmission_of or 0) - 1]
        assert (first.leg, first.raw) == (message.leg, message.raw)


def test_the_ladder_goes_from_end_to_end(b2bua: list[Call]) -> None:
    for order in (b2bua, b2bua[::-1]):
        drawn = ladder(joined(order[0], order[1:]))
        assert [line.address for line in drawn.lifelines] == [
            "127.0.0.2:5060",
            "127.0.0.1:5060",
            "127.0.0.3:5060",
        ]
        ends = [line.role for line in drawn.lifelines]
        assert ends == ["caller", "", "callee"]


def test_who_transfers_a_call_has_his_name_between_the_other_two(
    transfer: list[Call],
) -> None:
    drawn = ladder(joined(transfer[0], transfer[1:]))
    names = {line.address.partition(":")[0]: line.label for line in drawn.lifelines}
    assert names == {
        "10.77.0.2": "alice",
        "10.77.0.3": "bob",
        "10.77.0.4": "carol",
    }


def test_what_became_of_the_call_is_what_became_of_the_open_one(
    transfer: list[Call],
) -> None:
    for order in (transfer, transfer[::-1]):
        assert joined(order[0], order[1:]).outcome is order[0].outcome


def test_logs_and_agents_are_those_of_all_legs() -> None:
    calls = [
        explain(
            Evidence("acme", name, logs=[LogLine(ts, "s", name)], agents=["x", name])
        )
        for name, ts in (("a", 2), ("b", 1))
    ]
    both = joined(calls[0], calls[1:])
    assert [line.line for line in both.evidence.logs] == ["b", "a"]
    assert both.evidence.agents == ["x", "a", "b"]
    assert (both.first_ts, both.last_ts) == (1, 2)


def test_it_goes_on_while_one_leg_does() -> None:
    over, up = (explain(Evidence("acme", s, s)) for s in ("COMPLETE", "PARTIAL"))
    assert joined(over, [up]).evidence.state == "PARTIAL"
    assert joined(over, [over]).evidence.state == "COMPLETE"


def test_the_legs_themselves_stay_as_they_were(b2bua: list[Call]) -> None:
    before = [list(leg.messages) for leg in b2bua]
    joined(b2bua[0], b2bua[1:])
    assert [leg.messages for leg in b2bua] == before
    assert all(m.leg == "" for leg in b2bua for m in leg.messages)


def test_no_more_legs_than_can_be_told_apart(b2bua: list[Call]) -> None:
    joined(b2bua[0], [b2bua[1]] * (MAX_LEGS - 1))
    with pytest.raises(ValueError, match="legs"):
        joined(b2bua[0], [b2bua[1]] * MAX_LEGS)


def test_what_the_model_tells_has_the_numbers_of_the_joined_messages(
    transfer: list[Call],
) -> None:
    """Alice's call is the second leg here, so that its messages are numbered anew."""
    both = joined(transfer[1], transfer[:1])
    by_number = {m.n: m for m in both.messages}
    assert both.setup is not None
    assert both.setup.first is by_number[both.setup.first.n]
    (told,) = [event for event in both.events if event.kind == "transfer"]
    assert told.n is not None
    assert by_number[told.n].method == "REFER"
    assert told.leg == by_number[told.n].leg == "B"
    assert {hop.leg for hop in both.hops} == {"A", "B"}
    for each in both.transactions:
        assert each.leg == by_number[each.first.n].leg
    assert both.negotiation is not None
    assert both.negotiation.leg == "A"
