from __future__ import annotations

from flask_sipvault.analysis.sip.reasons import Reason
from flask_sipvault.analysis.sip.reasons import SipWarning
from flask_sipvault.analysis.words.reasons import CODE_WORDS
from flask_sipvault.analysis.words.reasons import reason_sentence
from flask_sipvault.analysis.words.reasons import reason_words
from flask_sipvault.analysis.words.reasons import warning_sentence


def test_without_the_senders_words_the_standards_are_used() -> None:
    assert reason_sentence(Reason("Q.850", 34, "")) == (
        "Q.850 34: no circuit or channel available"
    )
    assert reason_sentence(Reason("SIP", 404, "")) == (
        "SIP 404: the number does not exist"
    )
    assert reason_sentence(Reason("Q.850", 126, "")) == "Q.850 126"
    assert reason_sentence(Reason("", None, "")) == ""


def test_a_number_for_a_text_is_none() -> None:
    assert reason_words(Reason("Q.850", 16, "3")) == "normal call clearing"


def test_a_warning_is_told_with_its_text() -> None:
    assert warning_sentence(SipWarning(305, "h", "Incompatible media format")) == (
        "Warning 305: Incompatible media format"
    )


def test_the_words_fit_into_a_sentence() -> None:
    for words in CODE_WORDS.values():
        assert not words.endswith(".")
        assert words[0].islower() or words.startswith(("INFO", "SIP"))
