from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.sip.reasons import CODE_WORDS
from flask_sipvault.analysis.sip.reasons import Reason
from flask_sipvault.analysis.sip.reasons import reasons
from flask_sipvault.protocols import sip


def read(*fields: str) -> list[Reason]:
    lines = "".join(f"Reason: {field}\r\n" for field in fields)
    message = f"BYE sip:a@example.com SIP/2.0\r\n{lines}\r\n"
    return reasons(sip.parse(message.encode()))


def test_a_recorded_reason(explained: Any) -> None:
    message = explained("busy_486").messages[3]
    assert reasons(message.sip) == [Reason("Q.850", 17, "User busy")]


def test_several_values_in_one_field_and_in_several() -> None:
    assert read(
        'SIP;cause=200;text="Call completed elsewhere, really", q.850 ; cause=26',
        "X.int;reasoncode=0x00000000",
    ) == [
        Reason("SIP", 200, "Call completed elsewhere, really"),
        Reason("Q.850", 26, ""),
        Reason("X.int", None, ""),
    ]


@pytest.mark.parametrize("field", ["", ";", ";cause=", ";;cause=x;text", ",,,"])
def test_a_field_that_says_nothing_is_no_error(field: str) -> None:
    for reason in read(field):
        assert reason.sentence() == ""


def test_without_the_senders_words_the_standards_are_used() -> None:
    assert Reason("Q.850", 34, "").sentence() == (
        "Q.850 34: no circuit or channel available"
    )
    assert Reason("SIP", 404, "").sentence() == "SIP 404: the number does not exist"
    assert Reason("Q.850", 126, "").sentence() == "Q.850 126"


def test_a_number_for_a_text_is_none() -> None:
    assert Reason("Q.850", 16, "3").words == "normal call clearing"


def test_only_a_plain_hang_up_is_ordinary() -> None:
    assert Reason("Q.850", 16, "whatever").ordinary
    assert not Reason("Q.850", 38, "").ordinary
    assert not Reason("X.int", None, "").ordinary


def test_the_words_fit_into_a_sentence() -> None:
    for words in CODE_WORDS.values():
        assert not words.endswith(".")
        assert words[0].islower() or words.startswith(("INFO", "SIP"))
