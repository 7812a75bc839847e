"""What collectors tell each other of calls: nothing of what is compared is lost."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.correlation.leg_features import LegFeatures
from flask_sipvault.correlation.leg_records import features_of
from flask_sipvault.correlation.leg_records import Record
from flask_sipvault.correlation.leg_records import record_of
from flask_sipvault.correlation.legs import Leg
from flask_sipvault.correlation.legs import LegCorrelator
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from .test_legs import ALICE
from .test_legs import B2BUA
from .test_legs import BOB
from .test_legs import call
from .test_legs import CAROL
from .test_legs import INSIDE
from .test_legs import message
from .test_legs import sdp
from .test_legs import UUID_A
from .test_legs import UUID_B


def features_of_call(*parts: Evidence) -> LegFeatures:
    finder = LegCorrelator()
    for part in parts:
        assert finder.take(part)
    facts = finder.features(parts[0].call_id)
    assert facts is not None
    return facts


def session(own: str, remote: str) -> str:
    return f"Session-ID: {own};remote={remote}"


def rich_call() -> Evidence:
    """A call with everything that can tie it to another."""
    refer = message(
        "REFER sip:alice@a.example SIP/2.0",
        "a",
        20,
        BOB,
        ALICE,
        method="REFER",
        to_tag="t",
        headers=["Refer-To: <sip:carol@c.example>", "Referred-By: <sip:bob@b.example>"],
    )
    session = f"Session-ID: {UUID_A};remote={UUID_B}"
    return call(
        "a",
        ALICE,
        BOB,
        refer,
        headers=[session],
        offer=sdp(),
        answer=sdp("192.0.2.2:7"),
    )


def test_what_is_compared_comes_back_as_it_was() -> None:
    facts = features_of_call(rich_call())

    again = features_of(record_of(facts).text)
    assert again == facts
    assert again is not None
    assert again.referrals
    assert again.sessions
    assert again.origins
    assert again.media
    assert again.caller_tags


@given(
    st.text(max_size=200), st.recursive(st.none() | st.integers() | st.text(), st.lists)
)
def test_what_is_no_record_of_ours_is_nothing(text: str, value: object) -> None:
    assert features_of(text) is None
    record = json.loads(record_of(features_of_call(rich_call())).text)
    for name in record:
        # Whatever stands there, it is refused or it can be compared.
        facts = features_of(json.dumps({**record, name: value}))
        if facts is not None:
            finder = LegCorrelator()
            finder.learn(facts)
            finder.add(rich_call())


class TestTwoCollectors:
    """Each has one of two calls; what one finds is what a single one had found."""

    def found(self, mine: Evidence, theirs: Evidence) -> list[Leg]:
        """What the second collector finds, told of the other's call."""
        record = record_of(features_of_call(theirs))
        finder = LegCorrelator()
        finder.take(mine)
        own = finder.features(mine.call_id)
        assert own is not None
        if not set(record.offered) & set(record_of(own).sought):
            return finder.compare(mine.call_id)
        told = features_of(record.text)
        assert told is not None
        finder.learn(told)
        return finder.compare(mine.call_id)

    def alone(self, *calls: Evidence) -> list[Leg]:
        finder = LegCorrelator()
        return [leg for each in calls for leg in finder.add(each)]

    referral = rich_call()

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (call("x", ALICE, B2BUA), call("y", B2BUA, BOB, at=1)),
            (call("x", ALICE, B2BUA), call("y", B2BUA, BOB, at=8)),
            (
                call("x", ALICE, B2BUA, offer=sdp()),
                call("y", B2BUA, BOB, at=1, offer=sdp(), parties=("1", "2")),
            ),
            (
                call("x", ALICE, B2BUA, offer=sdp(), parties=("3", "4")),
                call("y", CAROL, BOB, at=1, offer=sdp(), parties=("1", "2")),
            ),
            (
                call(
                    "x",
                    ALICE,
                    INSIDE,
                    headers=[f"Session-ID: {UUID_A};remote={UUID_B}"],
                ),
                call(
                    "y", B2BUA, BOB, headers=[f"Session-ID: {UUID_B};remote={UUID_A}"]
                ),
            ),
            (referral, call("y", ALICE, CAROL, at=20.1, parties=("alice", "carol"))),
            (referral, call("y", ALICE, CAROL, at=40, parties=("alice", "carol"))),
        ],
        ids=["parties", "late", "media", "stranger", "session", "refer", "late refer"],
    )
    def test_whichever_comes_last_finds_the_other(
        self, one: Evidence, other: Evidence
    ) -> None:
        for mine, theirs in ((one, other), (other, one)):
            told = [(leg.other, leg.why, leg.ts) for leg in self.found(mine, theirs)]
            alone = [(leg.other, leg.why, leg.ts) for leg in self.alone(theirs, mine)]
            assert told == alone

    def test_calls_of_recordings(self, agent_corpus: Path, own_corpus: Path) -> None:
        for path in (agent_corpus / "many_20.pcap", *own_corpus.glob("*.pcap")):
            with path.open("rb") as file:
                calls = list(
                    import_capture(read_capture(file), customer_id="a", source="x")
                )
            for mine, theirs in itertools.permutations(calls, 2):
                told = [(leg.other, leg.why) for leg in self.found(mine, theirs)]
                alone = {
                    # Seen from mine.
                    (leg.call_id if leg.other == mine.call_id else leg.other, leg.why)
                    for leg in self.alone(theirs, mine)
                }
                assert len(told) == len(alone), path
                assert set(told) == alone, path


class TestOneCallAtTwoCollectors:
    @pytest.mark.parametrize("cut", range(1, 4))
    def test_both_know_what_one_would_that_has_all_of_it(self, cut: int) -> None:
        whole = rich_call()
        parts = [
            Evidence("acme", "a", sip=whole.sip[:cut]),
            Evidence("acme", "a", sip=whole.sip[cut:]),
        ]
        for order in (parts, parts[::-1]):
            one, other = (features_of_call(part) for part in order)
            one.learn(other)
            everything = features_of_call(whole)
            assert (one.began, one.source, one.final, one.over) == (
                everything.began,
                everything.source,
                everything.final,
                everything.over,
            )
            assert one.parties == everything.parties
            assert one.answered == everything.answered

    def test_the_end_of_a_branch_is_not_that_of_the_call(self) -> None:
        refused, answered = LegFeatures("a", refused=5), LegFeatures("a", answered=True)
        refused.learn(answered)
        assert (refused.answered, refused.over) == (True, None)
        refused.learn(LegFeatures("a", refused=6))
        assert refused.over is None


def test_names_tell_nothing_of_what_they_stand_for() -> None:
    record = record_of(features_of_call(rich_call()))
    assert isinstance(record, Record)
    names = [record.name, *record.offered, *record.sought]
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)
