from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.sip.reasons import Reason
from flask_sipvault.analysis.sip.reasons import reasons
from flask_sipvault.analysis.sip.reasons import SipWarning
from flask_sipvault.analysis.sip.reasons import warnings
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


def test_a_description_is_read_as_a_text() -> None:
    assert read('SIP;description="RTP timeout"') == [Reason("SIP", None, "RTP timeout")]


@pytest.mark.parametrize("field", ["", ";", ";cause=", ";;cause=x;text", ",,,"])
def test_a_field_that_says_nothing_is_no_error(field: str) -> None:
    assert all(reason == Reason("", None, "") for reason in read(field))


@pytest.mark.parametrize(
    ("reason", "ordinary"),
    [
        (Reason("Q.850", 16, ""), True),
        (Reason("Q.850", 16, "Normal call clearing"), True),
        (Reason("Q.850", 16, "NORMAL_CLEARING"), True),
        (Reason("Q.850", 16, "3"), True),
        (Reason("X.int", None, ""), True),
        # What the sender took the trouble to write.
        (Reason("Q.850", 16, "Max call duration reached"), False),
        (Reason("SIP", 200, "Call completed elsewhere"), False),
        (Reason("X.int", None, "licence expired"), False),
        (Reason("Q.850", 38, ""), False),
    ],
)
def test_only_a_plain_hang_up_is_ordinary(reason: Reason, ordinary: bool) -> None:
    assert reason.ordinary == ordinary


@pytest.mark.parametrize(
    ("field", "warning"),
    [
        (
            '305 192.0.2.1 "Incompatible media format"',
            SipWarning(305, "192.0.2.1", "Incompatible media format"),
        ),
        ("399 pbx", SipWarning(399, "pbx", "")),
        ("no licence", SipWarning(None, "", "no licence")),
    ],
)
def test_a_warning_is_code_agent_and_text(field: str, warning: SipWarning) -> None:
    message = f"SIP/2.0 488 No\r\nWarning: {field}\r\n\r\n"
    assert warnings(sip.parse(message.encode())) == [warning]
