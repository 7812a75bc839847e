"""What was measured of a stream, as JSON and back, and its parts as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_figures import Bucket
from flask_sipvault.protocols.rtp_figures import BUCKET_MS
from flask_sipvault.protocols.rtp_figures import from_json
from flask_sipvault.protocols.rtp_figures import Payload
from flask_sipvault.protocols.rtp_figures import StreamFigures

ALICE, BOB = Endpoint("192.0.2.1", 4000), Endpoint("2001:db8::2", 5000)
BEGIN = 1_795_439_805_000_000_000
SECOND = 1_000_000_000

FIGURES = StreamFigures(
    ssrc=0xDEADBEEF,
    src=ALICE,
    dst=BOB,
    first_ts=BEGIN,
    last_ts=BEGIN + 10 * SECOND,
    packets=490,
    expected=501,
    missing=12,
    duplicates=1,
    bursts=6,
    longest_burst=4,
    jitter_avg=1.25,
    jitter_max=4.5,
    packet_ms=20.0,
    marked=3,
    events=[(BEGIN + SECOND, 80)],
    payloads=[
        Payload(101, "telephone-event", 8000, 400, BEGIN, BEGIN + 9 * SECOND),
        Payload(8, "PCMA", 8000, 80, BEGIN, BEGIN + 10 * SECOND),
        Payload(97, None, None, 10, BEGIN, BEGIN),
    ],
    buckets=[
        Bucket(BEGIN, 240, 250, 10, 1.0, 2.0),
        Bucket(BEGIN + 5 * SECOND, 250, 251, 2, None, None),
    ],
)


def test_the_object_has_what_call_json_promises() -> None:
    shown = FIGURES.as_json()
    promised = {
        "ssrc": "0xdeadbeef",
        "src": "192.0.2.1:4000",
        "dst": "[2001:db8::2]:5000",
        "payload_type": 8,
        "codec": "PCMA",
        "clock_rate": 8000,
        "packets": 490,
        "expected": 501,
        "lost": 11,
        "loss_percent": 2.196,
        "jitter_ms": {"avg": 1.25, "max": 4.5},
        "first_ts": BEGIN,
        "last_ts": BEGIN + 10 * SECOND,
    }
    assert {name: shown[name] for name in promised} == promised


def test_buckets_are_rows_of_six() -> None:
    shown = FIGURES.as_json()
    assert shown["bucket_ms"] == BUCKET_MS == 5000
    assert shown["buckets"][0] == [BEGIN, 240, 250, 10, 1.0, 2.0]


def test_it_can_be_read_back() -> None:
    assert from_json(json.loads(json.dumps(FIGURES.as_json()))) == FIGURES


def test_a_stream_without_addresses_can_be_read_back() -> None:
    bare = replace(FIGURES, src=None, dst=None, payloads=[], jitter_avg=None)
    assert bare.as_json()["src"] is None
    assert bare.as_json()["codec"] is None
    assert from_json(bare.as_json()) == bare


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssrc", 7),
        ("ssrc", "0xq"),
        ("ssrc", "0x100000000"),
        ("src", "alice:4000"),
        ("dst", []),
        ("packets", 1.5),
        ("packets", True),
        ("packets", None),
        ("packets", -1),
        ("first_ts", 1 << 63),
        ("jitter_ms", {}),
        ("jitter_ms", {"avg": "1", "max": 2}),
        ("jitter_ms", {"avg": float("nan"), "max": 2}),
        ("jitter_ms", []),
        ("bucket_ms", 1000),
        ("buckets", [[1, 2, 3]]),
        ("buckets", 7),
        ("payloads", [{"payload_type": 0}]),
        ("payloads", [7]),
        ("events", [[1]]),
        ("gaps", [[1, 2]]),
        ("gaps", [[1, 2, -1, None]]),
        ("gaps", 7),
    ],
)
def test_an_object_that_is_not_ours_is_none(name: str, value: Any) -> None:
    assert from_json({**FIGURES.as_json(), name: value}) is None


@pytest.mark.parametrize("name", sorted(FIGURES.as_json()))
def test_an_object_that_lacks_something_is_none_or_lacked_what_follows(
    name: str,
) -> None:
    loaded = FIGURES.as_json()
    del loaded[name]
    follows = {"payload_type", "codec", "clock_rate", "lost", "loss_percent"}
    follows |= {"burst_ratio"}
    # What parts that were written earlier do not have.
    follows |= {"copies", "cut", "telephone_events", "packetization"}
    if name == "gaps":
        assert from_json(loaded) == replace(FIGURES, gaps=None)
        return
    assert from_json(loaded) == (FIGURES if name in follows else None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(FIGURES.as_json())), json_values)
def test_whatever_the_values_they_are_read_or_refused(name: str, value: Any) -> None:
    read = from_json({**FIGURES.as_json(), name: value})
    assert read is None or json.dumps(read.as_json())


def test_nothing_expected_is_no_loss_of_any_share() -> None:
    assert replace(FIGURES, expected=0).loss_percent is None
    assert replace(FIGURES, expected=0).burst_ratio is None


def test_tones_alone_are_the_main_payload_where_there_is_no_other() -> None:
    tones = replace(FIGURES, payloads=FIGURES.payloads[:1])
    assert tones.main is not None
    assert tones.main.codec == "telephone-event"
