"""No page, piece or download holds a character that nobody sees."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.sanitize import is_seen

from ..speech import speech
from .calls import ALICE
from .calls import BOB
from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import START
from .conftest import Keep

#: One of each kind: terminal escape, C1 control, soft hyphen, marks of direction,
#: embedding and isolate, zero width, line separator, byte order mark, tag, selector.
UNSEEN = (
    "\x1b[31m\x07\x7f\x85\x9b\xad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u202a\u202e"
    "\u2060\u2066\u2069\ufeff\u3164\ufe0f\U000e0041"
)

#: A link is made of no Call-ID with control characters.
CALL_ID = "call\xad\u061c\u200b\u200d\u200e\u2028\u202e\u2060\u2066\U000e0041@host"

#: What is no text.
_BINARY = ("capture.pcapng", "bundle.zip")


def _strange_call() -> Evidence:
    said = f"a{UNSEEN}b"
    fields = (
        f"User-Agent: {said}\r\nServer: {said}\r\nContact: <sip:{said}@h>\r\n"
        f'Reason: Q.850;cause=16;text="{said}"\r\nSubject: {said}\r\n'
        f"X-{said}: {said}\r\n"
    )
    described = (
        f"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns={said}\r\nc=IN IP4 192.0.2.1\r\n"
        f"m=audio 4000 RTP/AVP 96 {said}\r\na=rtpmap:96 {said}/8000\r\n"
        f"a={said}:{said}\r\n"
    ).encode()
    described_fields = f"{fields}Content-Type: application/sdp;x={said}\r\n"
    about = {"call_id": CALL_ID, "note": said, said: said}

    def message(
        start: str, after_ms: float, back: bool, body: bytes = b""
    ) -> SipPacket:
        return packet(
            start,
            call_id=CALL_ID,
            after_ms=after_ms,
            back=back,
            headers=described_fields if body else fields,
            body=body,
            display=said,
        )

    return Evidence(
        CUSTOMER,
        CALL_ID,
        sip=[
            message(f"INVITE sip:b{UNSEEN} SIP/2.0", 0, False, described),
            message(f"SIP/2.0 183 {said}", 20, True, described),
            message("SIP/2.0 200 OK", 40, True, described),
            message(f"SIP/2.0 486 {said}", 90, True),
            message("BYE sip:b SIP/2.0", 900, False),
        ],
        rtcp=[
            RtcpDatagram(START + 5, ALICE, BOB, b'{"type":203,"ssrc":1}'),
            RtcpDatagram(START + 5, ALICE, BOB, said.encode()),
        ],
        logs=[
            LogLine(START + 1, said, f"ERROR:{said}"),
            LogLine(START + 2, f"other{said}", said),
        ],
        reports=[QualityReport(START + 9, about)],
        media=[speech(ALICE, BOB, 1, start=START, seconds=5)],
        agents=[said],
        legs=[("header", f"other{UNSEEN}@host")],
        damage=[said],
    )


def _ends(app: Flask) -> list[str]:
    rules = (
        rule.rule.partition("/call/<call_hash>") for rule in app.url_map.iter_rules()
    )
    return sorted({end for _, found, end in rules if found})


@pytest.mark.parametrize("masked", ["", "&mask=1"])
def test_every_answer_shows_what_it_holds(
    app: Flask, client: FlaskClient, keep: Keep, masked: str
) -> None:
    link = keep(_strange_call())
    shown = 0
    for end in _ends(app):
        address = file_of(link, end.lstrip("/")) if end else link
        answer = client.get(f"{address}&left=1&right=2{masked}")
        if end.lstrip("/") in _BINARY or answer.status_code != 200:
            continue
        text = answer.get_data(as_text=True)
        bad = [line for line in text.split("\n") if not is_seen(line)]
        assert not bad, (end, ascii(bad[0]))
        shown += 1
    assert shown > 10


def test_a_scenario_sends_what_was_recorded_in_escapes_that_are_seen(
    client: FlaskClient, keep: Keep
) -> None:
    link = keep(_strange_call())
    scenario = client.get(file_of(link, "uac.xml")).get_data(as_text=True)
    assert r"\xE2\x80\xAE" in scenario


def test_the_capture_and_the_bundle_keep_every_byte(
    client: FlaskClient, keep: Keep
) -> None:
    link = keep(_strange_call())
    assert UNSEEN.encode() in client.get(file_of(link, "capture.pcapng")).data
    zipped = zipfile.ZipFile(io.BytesIO(client.get(file_of(link, "bundle.zip")).data))
    parts = [zipfile.ZipFile(io.BytesIO(zipped.read(n))) for n in zipped.namelist()]
    assert any(UNSEEN.encode() in p.read(n) for p in parts for n in p.namelist())


def test_an_error_page_shows_the_call_id(client: FlaskClient) -> None:
    answer = client.get(link_to(CALL_ID)).get_data(as_text=True)
    assert "call⟨U+00AD⟩⟨U+061C⟩" in answer
    assert is_seen(answer)
