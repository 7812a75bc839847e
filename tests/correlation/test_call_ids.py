from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.correlation.call_ids import CallIdMatcher

CALL_ID_CHARACTERS = "abc019-.@_+/:[]()é"


@pytest.mark.parametrize(
    "line",
    [
        "INFO:call 1-123@192.0.2.1 answered",
        "route[RELAY] callid=1-123@192.0.2.1 method=INVITE",
        "request ACK [1-123@192.0.2.1]",
        "[1-123@192.0.2.1/a6c1d2/1] new stream",
        "callid:1-123@192.0.2.1",
        '{"call_id":"1-123@192.0.2.1","level":"info"}',
        "ended: 1-123@192.0.2.1.",
        "<1-123@192.0.2.1>; ok",
        "'1-123@192.0.2.1', gone",
        "1-123@192.0.2.1",
    ],
)
def test_a_call_id_is_found_in_the_forms_that_logs_write_it(line: str) -> None:
    assert CallIdMatcher(["1-123@192.0.2.1"]).owner(line) == "1-123@192.0.2.1"


@pytest.mark.parametrize(
    "line",
    [
        "call 11-123@192.0.2.1 answered",
        "call 1-123@192.0.2.15 answered",
        "call x-1-123@192.0.2.1 answered",
        "call 1-123@192.0.2.1.example.com answered",
        "call é1-123@192.0.2.1 answered",
        "",
    ],
)
def test_part_of_a_longer_call_id_is_not_that_call(line: str) -> None:
    assert CallIdMatcher(["1-123@192.0.2.1"]).owner(line) is None


def test_a_call_id_of_one_character_owns_only_lines_where_it_stands_alone() -> None:
    known = CallIdMatcher(["1"])
    assert known.owner("INFO:call 1 answered") == "1"
    assert known.owner("INFO:call 1-9572@127.0.0.1 answered") is None


def test_the_longest_call_id_wins() -> None:
    known = CallIdMatcher(["1", "1-10044", "1-10044-café@127.0.0.2"])
    assert known.owner("a 1 b 1-10044-café@127.0.0.2") == "1-10044-café@127.0.0.2"


def test_of_two_equally_long_call_ids_the_first_in_the_line_wins() -> None:
    known = CallIdMatcher(["leg-b@host", "leg-a@host"])
    assert known.owner("bridged leg-a@host to leg-b@host") == "leg-a@host"


def test_a_call_id_may_hold_brackets_and_quotes() -> None:
    odd = "a!b%c*d_e+f`g'h~i(j)k<l>m:n\"o[p]q{r}s?t-1-9572@127.0.0.2"
    assert CallIdMatcher(["1", odd]).owner(f"request ACK [{odd}]") == odd


def test_bytes_that_are_not_utf_8_compare_as_the_text_of_a_call_id_does() -> None:
    line = b"call caf\xe9@h answered".decode("utf-8", "surrogateescape")
    assert CallIdMatcher(["caf\ufffd@h"]).owner(line) == "caf\ufffd@h"


def test_an_empty_call_id_owns_nothing() -> None:
    assert CallIdMatcher([""]).owner("call  answered") is None


@pytest.mark.parametrize("scenario", ["many_20", "many_150"])
def test_every_line_of_a_busy_proxy_goes_to_its_own_call(
    agent_corpus: Path, scenario: str
) -> None:
    expected = json.loads((agent_corpus / f"{scenario}.expected.json").read_text())
    known = CallIdMatcher(expected["calls"])
    owned: Counter[str] = Counter()
    for line in (agent_corpus / f"{scenario}.log").read_text().splitlines():
        owner = known.owner(line)
        spoken_of = re.search(r"\d+-\d+@127\.0\.0\.2", line)
        assert owner == (spoken_of[0] if spoken_of else None)
        if owner:
            owned[owner] += 1
    assert owned == {
        call_id: call["log_lines_in_file"]
        for call_id, call in expected["calls"].items()
    }


@given(
    st.lists(st.text(CALL_ID_CHARACTERS, min_size=1, max_size=8), max_size=6),
    st.text(CALL_ID_CHARACTERS + " =,", max_size=60),
)
def test_the_owner_is_always_whole_and_the_longest(
    call_ids: list[str], line: str
) -> None:
    def stands_whole(call_id: str) -> bool:
        # Said otherwise than the module says it: no joined text around the place.
        return any(
            not re.search(r"\w[-.!%*+`'~@]*\Z", line[: m.start()])
            or not re.match(r"[-.!%*+`'~@]*\w", line[m.start() :])
            for m in re.finditer(f"(?={re.escape(call_id)})", line)
            if not re.search(r"\w[-.!%*+`'~@]*\Z", line[: m.start() + len(call_id)])
            or not re.match(r"[-.!%*+`'~@]*\w", line[m.start() + len(call_id) :])
        )

    whole = [call_id for call_id in call_ids if stands_whole(call_id)]
    owner = CallIdMatcher(call_ids).owner(line)
    if not whole:
        assert owner is None
    else:
        assert owner in whole
        assert len(owner) == max(map(len, whole))


@given(
    st.text(),
    st.text(alphabet=st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)),
)
def test_any_line_has_an_owner_or_none(text: str, undecodable: str) -> None:
    known = CallIdMatcher(["1-123@h"])
    try:
        text.encode()
    except UnicodeEncodeError:
        text = ""
    assert known.owner(text + undecodable) in (None, "1-123@h")
