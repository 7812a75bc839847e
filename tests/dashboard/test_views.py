from __future__ import annotations

import html
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from flask_sipvault.evidence import call_hash
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.protocols.capture import read_capture

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import small_call
from .calls import START
from .calls import words
from .conftest import Keep
from .conftest import Recorded

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e'


def _page(client: FlaskClient, link: str) -> str:
    response = client.get(link)
    assert response.status_code == 200
    return response.text


def test_the_first_line_is_the_answer(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    page = _page(client, keep(recorded("answered_rtcp")))
    assert re.findall(r"<h1>(.*?)</h1>", page) == [
        "Answered, ended by the caller after 15 s."
    ]


def test_the_page_says_who_called_whom_and_when(
    client: FlaskClient, keep: Keep
) -> None:
    text = words(_page(client, keep(small_call())))
    assert "Caller +5511 Alice 192.0.2.1:5060" in text
    assert "Called +5541 [2001:db8::2]:5060" in text
    assert "23 Nov 2026, 14:02:11 UTC" in text


def test_six_figures_sum_the_call_up(client: FlaskClient, keep: Keep) -> None:
    text = words(_page(client, keep(small_call())))
    assert "Post-dial delay 20 ms Ringing 880 ms Talk –" in text
    assert "Final answer 486 Busy Here Messages 3 Transport UDP" in text


def test_every_row_of_the_ladder_leads_to_its_message(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    page = _page(client, keep(recorded("proxy_sipp")))
    rows = re.findall(r'<a class="sv-row [^"]*" id="r(\d+)" href="#m(\d+)"', page)
    messages = re.findall(r'id="m(\d+)"', page)
    assert [row for row, _ in rows] == [target for _, target in rows] == messages
    assert messages == [str(n) for n in range(1, len(messages) + 1)]
    assert len(messages) > 10


def test_a_retransmission_is_dashed_counted_and_tied_to_the_first(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    page = _page(client, keep(recorded("lost_ack_retrans")))
    assert '<a class="sv-row sv-success sv-again"' in page
    assert "sent again, ×3" in page
    assert re.search(r'retransmission of <a href="#m4">message 4</a>', page)


def test_a_message_is_there_in_full(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    evidence = recorded("auth_invite")
    page = _page(client, keep(evidence))
    shown = [
        html.unescape(re.sub(r"<[^>]*>", "", raw))
        for raw in re.findall(r'<pre class="sv-raw"[^>]*>(.*?)</pre>', page, re.DOTALL)
    ]
    kept = [item.payload.decode().replace("\r\n", "\n") for item in evidence.sip]
    assert [text.rstrip("\n") for text in shown] == [text.rstrip() for text in kept]


def test_the_sdp_is_told_in_short(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    text = words(_page(client, keep(recorded("answered_rtcp"))))
    assert "audio 127.0.0.2:14000 · PCMU/8000" in text
    assert "· sendrecv" in text


def test_rtcp_is_a_table_with_named_columns(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    page = _page(client, keep(recorded("answered_rtcp")))
    section = page.partition('id="sv-rtcp-heading"')[2]
    table = section.partition('<table class="sv-table">')[2].partition("</table>")[0]
    assert table.count('<th scope="col"') == 9
    assert table.count('<th scope="row"') >= 4
    assert "0x12345678" in table


def test_a_log_line_has_its_level_in_words_and_the_nearest_message(
    client: FlaskClient, keep: Keep
) -> None:
    page = _page(client, keep(small_call()))
    log = words(page.partition('<section class="sv-card" id="logs"')[2])
    assert "INFO 14:02:11.124 proxy-1 INFO:new call message 1" in log
    assert "ERROR 14:02:12.022 proxy-1 ERROR:tm: callee is busy message 3" in log


def test_what_refused_the_call_is_shown_first(client: FlaskClient, keep: Keep) -> None:
    assert 'data-chosen="3"' in _page(client, keep(small_call()))


def test_other_legs_are_links_of_their_own(client: FlaskClient, keep: Keep) -> None:
    link = keep(small_call())
    vault = client.application.extensions["sipvault"].vault(CUSTOMER)
    vault.mark_legs("call@host", "other leg&@host", "replaces", "2026-11-23")
    keep(small_call("other leg&@host"))
    page = _page(client, link)
    found = re.search(r'<a href="([^"]+)"><code>other leg&amp;@host</code>', page)
    assert found
    other = client.get(html.unescape(found[1]))
    assert other.status_code == 200
    assert "call@host one replaces the other" in words(other.text)


def test_a_call_that_is_still_up_says_so(client: FlaskClient, keep: Keep) -> None:
    evidence = small_call()
    evidence.state = "PARTIAL"
    assert "The call was still up" in _page(client, keep(evidence))


def test_damage_is_told_before_the_data(
    client: FlaskClient, keep: Keep, tmp_path: Path
) -> None:
    link = keep(small_call())
    (part,) = (tmp_path / "vault").rglob("*.zip")
    part.write_bytes(part.read_bytes().replace(b"INFO:new", b"INFO:old"))
    with zipfile.ZipFile(part) as archive:
        first = archive.infolist()[0]
    content = bytearray(part.read_bytes())
    at = content.index(b"logs.ndjson")
    content[at + 20] ^= 0xFF
    part.write_bytes(bytes(content))
    assert first
    text = words(_page(client, link))
    assert text.index("cannot be read") < text.index("Ladder")


def test_a_call_of_log_lines_alone_has_a_page(client: FlaskClient, keep: Keep) -> None:
    evidence = Evidence(CUSTOMER, "logs only", logs=[LogLine(START, "", "a line")])
    text = words(_page(client, keep(evidence)))
    assert "No SIP message of this call was captured." in text
    assert "a line" in text


def test_a_binary_body_is_dumped_beside_the_text(
    client: FlaskClient, keep: Keep
) -> None:
    evidence = small_call()
    evidence.sip.append(
        packet(
            "INFO sip:b SIP/2.0",
            after_ms=2000,
            headers="Content-Type: application/isup\r\n",
            body=bytes(range(20)),
        )
    )
    page = _page(client, keep(evidence))
    assert "Body, application/isup, 20 bytes" in page
    assert "0010  10 11 12 13" in page


def test_rtcp_reports_that_do_not_fit_on_a_page_are_counted(
    client: FlaskClient,
    keep: Keep,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evidence = recorded("answered_rtcp")
    monkeypatch.setattr("flask_sipvault.dashboard.page_builder.REPORTS_SHOWN", 3)
    page = _page(client, keep(evidence))
    left_out = len(evidence.rtcp) - 3
    assert left_out > 0
    assert (
        "This page shows the first 3 RTCP reports."
        f" {left_out} more are in capture.pcapng and call.json."
    ) in words(page)
    section = page.partition('id="sv-rtcp-heading"')[2].partition("</section>")[0]
    assert section.count('<th scope="row"') == 3


class _Tags(HTMLParser):
    """Collects every tag of a page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


class TestAHostileCaller:
    """Everything on the page came off the wire from strangers."""

    @pytest.fixture
    def markup(self, client: FlaskClient, keep: Keep) -> str:
        evidence = small_call(HOSTILE.replace("\u202e", ""), display=HOSTILE)
        evidence.logs.append(LogLine(START, HOSTILE, HOSTILE))
        evidence.agents.append(HOSTILE)
        return _page(client, keep(evidence))

    @pytest.fixture
    def tags(self, markup: str) -> list[tuple[str, dict[str, str | None]]]:
        parser = _Tags()
        parser.feed(markup)
        return parser.seen

    def test_gets_no_markup_of_its_own_into_the_page(
        self, markup: str, tags: list[tuple[str, dict[str, str | None]]]
    ) -> None:
        names = [name for name, _ in tags]
        assert names.count("script") == 2
        assert "img" not in names
        assert "&lt;script&gt;alert(1)" in markup

    def test_cannot_turn_the_text_around(self, markup: str) -> None:
        assert "\u202e" not in markup
        assert "⟨U+202E⟩" in markup

    def test_gets_no_handler_style_or_inline_script_past_the_policy(
        self, markup: str, tags: list[tuple[str, dict[str, str | None]]]
    ) -> None:
        assert len(tags) > 100
        for name, attributes in tags:
            assert name != "style"
            for attribute, value in attributes.items():
                assert attribute != "style"
                assert not attribute.startswith("on")
                assert not (value or "").lower().startswith("javascript:")
        assert set(re.findall(r"<script[^>]*>([^<]*)<", markup)) == {""}


class TestDownloads:
    @pytest.mark.parametrize(
        ("name", "mimetype", "ending"),
        [
            ("call.json", "application/json", "json"),
            ("capture.pcapng", "application/x-pcapng", "pcapng"),
            ("bundle.zip", "application/zip", "zip"),
            ("logs.txt", "text/plain", "logs.txt"),
            ("sip.txt", "text/plain", "sip.txt"),
        ],
    )
    def test_are_attachments_named_by_the_hash(
        self, name: str, mimetype: str, ending: str, client: FlaskClient, keep: Keep
    ) -> None:
        call_id = 'a"; filename="evil.html'
        response = client.get(file_of(keep(small_call(call_id)), name))
        assert response.status_code == 200
        assert response.mimetype == mimetype
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Disposition"] == (
            f'attachment; filename="call-{call_hash(call_id)}.{ending}"'
        )

    def test_are_linked_from_the_page_under_the_same_signature(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        page = _page(client, keep(small_call("a&b +%@host")))
        links = re.findall(r'<a href="([^"]+)" download>', page)
        assert len(links) == 12
        for link in links:
            assert client.get(html.unescape(link)).status_code == 200

    def test_json_is_the_documented_document(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        response = client.get(file_of(keep(small_call()), "call.json"))
        document = json.loads(response.data)
        assert document["call_id"] == "call@host"
        assert [message["n"] for message in document["messages"]] == [1, 2, 3]

    def test_the_bundle_holds_the_parts_byte_for_byte(
        self, client: FlaskClient, keep: Keep, tmp_path: Path
    ) -> None:
        response = client.get(file_of(keep(small_call()), "bundle.zip"))
        (kept,) = (tmp_path / "vault").rglob("*.zip")
        with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
            assert archive.testzip() is None
            (name,) = archive.namelist()
            assert name == f"2026-11-23/{kept.name}"
            assert archive.read(name) == kept.read_bytes()

    def test_texts_have_a_time_at_every_entry(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        link = keep(small_call())
        logs = client.get(file_of(link, "logs.txt"))
        assert logs.text.splitlines() == [
            "2026-11-23T14:02:11.124456Z proxy-1 INFO:new call",
            "2026-11-23T14:02:12.022456Z proxy-1 ERROR:tm: callee is busy",
        ]
        assert logs.headers["Content-Type"] == "text/plain; charset=utf-8"
        sip = client.get(file_of(link, "sip.txt")).text
        assert sip.startswith(
            "--- 1. 2026-11-23T14:02:11.123456Z udp 192.0.2.1:5060"
            " -> [2001:db8::2]:5060\nINVITE sip:b SIP/2.0\n"
        )
        assert sip.count("\n--- ") == 2

    def test_our_own_reader_takes_the_capture_back(
        self, client: FlaskClient, keep: Keep, recorded: Recorded
    ) -> None:
        evidence = recorded("answered_rtcp")
        link = keep(evidence)
        data = client.get(file_of(link, "capture.pcapng")).data
        read = [item for item in read_capture(io.BytesIO(data)) if item.kind == "sip"]
        assert [(item.ts, item.src, item.payload) for item in read] == [
            (item.ts, item.src, item.payload) for item in evidence.sip
        ]

    @pytest.mark.parametrize("name", ["answered_rtcp", "ipv6_udp", "sip_tcp"])
    def test_tshark_reads_the_same_messages_and_log_lines_back(
        self,
        name: str,
        client: FlaskClient,
        keep: Keep,
        recorded: Recorded,
        need_tool: Callable[[str], str],
        tmp_path: Path,
    ) -> None:
        evidence = recorded(name)
        at = evidence.sip[1].ts + 1000
        evidence.logs = [LogLine(at, "proxy-1", "INFO: between <the> messages")]
        capture = tmp_path / "capture.pcapng"
        capture.write_bytes(client.get(file_of(keep(evidence), "capture.pcapng")).data)
        fields = ["frame.protocols", "sip.Call-ID", "sip.Method", "sip.Status-Code"]
        wanted = [word for field in fields for word in ("-e", field)]
        ran = subprocess.run(
            [need_tool("tshark"), "-r", capture, "-T", "fields", *wanted],
            capture_output=True,
            text=True,
            check=True,
        )
        frames = [line.split("\t") for line in ran.stdout.splitlines()]
        sip = [frame for frame in frames if ":sip" in frame[0]]
        assert {frame[1] for frame in sip} == {evidence.call_id}
        assert [frame[2] or frame[3] for frame in sip] == [
            item.payload.split()[1 if item.payload.startswith(b"SIP") else 0].decode()
            for item in evidence.sip
        ]
        assert frames[2][0] == "systemd_journal"
        assert sum(":rtcp" in frame[0] for frame in frames) == len(evidence.rtcp)

    def test_sngrep_reads_the_capture(
        self,
        client: FlaskClient,
        keep: Keep,
        recorded: Recorded,
        need_tool: Callable[[str], str],
        tmp_path: Path,
    ) -> None:
        evidence = recorded("answered_rtcp")
        evidence.logs = [LogLine(evidence.sip[1].ts + 1000, "proxy-1", "a line")]
        capture, copy = tmp_path / "capture.pcapng", tmp_path / "copy.pcap"
        capture.write_bytes(client.get(file_of(keep(evidence), "capture.pcapng")).data)
        command = [need_tool("sngrep"), "-N", "-q", "-I", capture, "-O", copy]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        with copy.open("rb") as file:
            read = [item.payload for item in read_capture(file) if item.kind == "sip"]
        assert read == [item.payload for item in evidence.sip]


def test_a_click_is_redirected_to_a_link_signed_now(
    client: FlaskClient, keep: Keep
) -> None:
    keep(small_call())
    tokens = client.application.extensions["sipvault"]
    with client.application.test_request_context():
        button = tokens.button("call@host")
    found = re.search(r'href="([^"]+)"', button)
    assert found
    response = client.get(html.unescape(found[1]))
    assert response.status_code == 303
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.location == link_to("call@host")
    assert client.get(response.location).status_code == 200


def test_a_click_nobody_was_given_is_refused(client: FlaskClient) -> None:
    response = client.get("/sipvault/open/forged")
    assert response.status_code == 401
    assert "Reload the CDR list and click again." in words(response.text)


def test_head_works_on_every_address(client: FlaskClient, keep: Keep) -> None:
    link = keep(small_call())
    for address in (link, file_of(link, "call.json"), file_of(link, "bundle.zip")):
        response = client.head(address)
        assert (response.status_code, response.data) == (200, b"")


def test_the_caller_is_shown_with_who_vouches_for_the_number(
    client: FlaskClient, keep: Keep
) -> None:
    call = small_call()
    token = "eyJwcHQiOiJzaGFrZW4ifQ.eyJhdHRlc3QiOiJCIn0.c2ln"  # attested B
    call.sip[0].payload = call.sip[0].payload.replace(
        b"Call-ID:", f"Identity: {token}\r\nCall-ID:".encode()
    )
    keep(call)
    assert "attested B, not verified" in _page(client, link_to(call.call_id))
