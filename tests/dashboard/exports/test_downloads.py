"""The files that a call can be taken away as, plain and masked."""

from __future__ import annotations

import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings
from werkzeug.test import TestResponse

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.model import Finding
from flask_sipvault.analysis.findings.rule import CatalogueEntry
from flask_sipvault.analysis.findings.rule import Rule
from flask_sipvault.analysis.findings.rule import Texts
from flask_sipvault.analysis.ladder.ladder import as_text
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.dashboard.exports import files as exports
from flask_sipvault.dashboard.exports.downloads import FILES
from flask_sipvault.dashboard.exports.ladder_file import ladder_file
from flask_sipvault.dashboard.exports.report import report
from flask_sipvault.evidence import call_hash
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import SipPacket
from flask_sipvault.masking import mask
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.sipp import scenario
from flask_sipvault.vault.bundle import pack
from flask_sipvault.vault.bundle import unpack

from ...masking.people import call_of
from ...masking.people import People
from ...masking.people import people
from ...wire import ALICE
from ...wire import BOB
from ...wire import icmp
from ...wire import sip
from ...wire import udp
from ..calls import CUSTOMER
from ..calls import file_of
from ..calls import packet
from ..calls import small_call
from ..calls import START
from ..calls import words
from ..conftest import Keep
from ..conftest import Recorded

#: What names somebody in the recording ``auth_invite``.
ORIGINALS = ("alice", "bob", "127.0.0.", "sip.test", "1-32527", "47ebe028", CUSTOMER)


def _get(
    client: FlaskClient, link: str, name: str, *, masked: bool = False
) -> TestResponse:
    response = client.get(file_of(link, name) + ("&mask=1" if masked else ""))
    assert response.status_code == 200
    return response


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("ladder.txt", "text/plain"),
        ("ladder.svg", "image/svg+xml"),
        ("report.html", "text/html"),
        ("uac.xml", "application/xml"),
        ("uas.xml", "application/xml"),
    ],
)
def test_each_is_an_attachment_named_by_the_hash(
    name: str, mimetype: str, client: FlaskClient, keep: Keep
) -> None:
    call_id = 'a"; filename="evil.html'
    response = _get(client, keep(small_call(call_id)), name)
    assert response.mimetype == mimetype
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="call-{call_hash(call_id)}.{name}"'
    )


@pytest.mark.parametrize("name", sorted(FILES))
def test_none_is_given_without_a_signature(name: str, client: FlaskClient) -> None:
    link = f"/call/{call_hash('call@host')}/{name}?cid={CUSTOMER}&callid=call@host"
    assert client.get(link).status_code == 401
    assert client.get(f"{link}&mask=1").status_code == 401


def test_a_ladder_as_text_is_the_terminal_s(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    evidence = recorded("proxy_sipp")
    text = _get(client, keep(evidence), "ladder.txt").text
    assert text == as_text(explain(evidence), 120)


def test_a_scenario_of_a_call_without_its_invite_is_not_found(
    client: FlaskClient, keep: Keep
) -> None:
    evidence = small_call()
    evidence.sip = [packet("BYE sip:b SIP/2.0")]
    link = keep(evidence)
    response = client.get(file_of(link, "uac.xml"))
    assert response.status_code == 404
    assert response.json is not None
    assert "no INVITE was captured beside the caller" in response.json["detail"]
    page = client.get(link).text
    assert "uac.xml" not in page
    assert "report.html" in page


def test_the_schema_is_there_for_everybody(client: FlaskClient) -> None:
    response = client.get("/sipvault/call.schema.json")
    assert response.mimetype == "application/schema+json"
    assert response.json is not None
    assert response.json["title"] == "A call"


class TestTheReport:
    """One file, to be opened anywhere."""

    def _text(self, evidence: Evidence, *, masked: bool = False) -> str:
        call = explain(evidence)
        return report(call, ladder(call), now=START, masked=masked)[0]

    def test_holds_the_whole_call(self, recorded: Recorded) -> None:
        evidence = recorded("answered_rtcp")
        evidence.logs = [LogLine(evidence.sip[0].ts, "proxy-1", "INFO: new call")]
        text = self._text(evidence)
        assert "<h1>Answered, ended by the caller after 15 s.</h1>" in text
        assert "<dd>alice Alice (sipp) at 127.0.0.2:5061</dd>" in text
        assert text.count("<article") == len(evidence.sip)
        assert '<svg class="sv-ladderfile"' in text
        assert "<td>0x12345678</td>" in text
        assert "INFO: new call" in text
        assert "7 SIP messages, 5 RTCP datagrams, 1 log lines" in text
        assert "answered_rtcp.pcap" in text

    def test_runs_no_script_and_fetches_nothing(
        self, client: FlaskClient, keep: Keep, recorded: Recorded
    ) -> None:
        response = _get(client, keep(recorded("proxy_baresip")), "report.html")
        text = response.text
        assert "<script" not in text
        assert not re.search(r'\bon\w+="', text)
        assert not re.search(r'(src|href|action)="(?!#m\d+")', text)
        assert not re.search(r"style=|url\(|@import", text)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        within = re.search(
            r'http-equiv="Content-Security-Policy" content="([^"]+)"', text
        )
        assert within
        assert within[1].replace("&#39;", "'") in policy

    def test_has_an_anchor_for_every_row(self, recorded: Recorded) -> None:
        text = self._text(recorded("cancel_487"))
        rows = re.findall(r'href="#(m\d+)"', text)
        assert rows == re.findall(r'<article id="(m\d+)"', text)

    def test_escapes_what_strangers_wrote(self) -> None:
        hostile = '"><script>alert(1)</script>\u202e'
        evidence = small_call(hostile, display=hostile)
        evidence.logs.append(LogLine(START, hostile, hostile))
        evidence.agents.append(hostile)
        evidence.damage.append(hostile)
        evidence.legs.append((hostile, hostile))
        text = self._text(evidence)
        assert "<script" not in text
        assert "\u202e" not in text

    def test_says_what_it_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flask_sipvault.dashboard.exports.report.MESSAGES", 2)
        assert "The first 2 of 3 messages are shown." in self._text(small_call())

    def test_says_that_it_is_masked(self) -> None:
        text = self._text(mask(small_call()), masked=True)
        assert "replaced by pseudonyms" in text
        assert CUSTOMER not in text

    def test_tells_what_cannot_be_read_and_that_the_call_goes_on(self) -> None:
        evidence = small_call()
        evidence.damage, evidence.state = ["part.zip: cut off"], "PARTIAL"
        text = self._text(evidence)
        assert "Cannot be read: part.zip: cut off" in text
        assert "The call was still up" in text

    def test_has_figures_of_quality_where_there_are_any(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        evidence = small_call()
        assert "Media quality" not in self._text(evidence)
        document = call_document(explain(evidence))
        document["quality"]["verdict"] = "good"
        document["quality"]["labels_certain"] = True
        document["quality"]["directions"]["uac"] = {
            "mos": {"avg": 4.2, "min": 3.9, "max": None},
            "jitter": 3.5,
            "rtt": None,
            "buckets": [],
        }
        monkeypatch.setattr(
            "flask_sipvault.dashboard.exports.report.call_document",
            lambda call: document,
        )
        text = words(self._text(evidence))
        assert "Verdict: good." in text
        assert "caller → called MOS 4.20 3.90 –" in text
        assert "caller → called jitter 3.50 ms – –" in text
        assert "rtt" not in text

    def test_tells_what_was_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rule = Rule(
            "one-way",
            lambda call: [Finding("one-way", "error", parameters={"who": "<One>"})],
            {"": Texts("{who} way.", "NAT.", ("Check NAT.",))},
            CatalogueEntry("One way", ""),
        )
        for module in ("findings.engine", "words.findings"):
            name = f"flask_sipvault.analysis.{module}.rules_by_id"
            monkeypatch.setattr(name, lambda: {rule.id: rule})
        text = self._text(small_call())
        assert "<li><strong>&lt;One&gt; way.</strong>" in text
        assert words(text).count("NAT. Check NAT.") == 1

    def test_a_call_of_log_lines_alone_has_one(self) -> None:
        evidence = Evidence(CUSTOMER, "x", logs=[LogLine(START, "", "a line")])
        text = self._text(evidence)
        assert "No SIP message of this call was captured." in text
        assert "a line" in text


class TestTheDrawing:
    def _svg(self, evidence: Evidence) -> str:
        call = explain(evidence)
        return ladder_file(call, ladder(call))[0]

    @pytest.mark.parametrize("name", ["proxy_baresip", "lost_ack_retrans", "ipv6_udp"])
    def test_is_a_document_of_its_own(self, name: str, recorded: Recorded) -> None:
        text = self._svg(recorded(name))
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not names & {"a", "script", "image", "use", "foreignObject"}
        assert not re.search(r"href|url\(|@import| on\w+=| style=", text)

    def test_is_sent_with_a_policy_that_forbids_scripts(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        response = _get(client, keep(small_call()), "ladder.svg")
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("; sandbox")

    def test_is_well_formed_whoever_is_named_in_it(self) -> None:
        evidence = small_call(display='<a href="x">&\ufffe\uffff\x00]]></a>')
        root = ElementTree.fromstring(self._svg(evidence))
        assert "<a href=" in "".join(root.itertext())

    def test_of_no_messages_is_its_title(self) -> None:
        evidence = Evidence(CUSTOMER, "x", logs=[LogLine(START, "", "a line")])
        assert ElementTree.fromstring(self._svg(evidence)) is not None


class TestMasking:
    @pytest.mark.parametrize("name", sorted(FILES))
    def test_every_file_can_be_had_without_names(
        self, name: str, client: FlaskClient, keep: Keep, recorded: Recorded
    ) -> None:
        evidence = recorded("auth_invite")
        evidence.logs = [
            LogLine(evidence.sip[0].ts, "proxy-1", "alice@127.0.0.2 calls")
        ]
        evidence.agents = [CUSTOMER]
        link = keep(evidence)
        plain = _get(client, link, name)
        masked = _get(client, link, name, masked=True)
        assert masked.mimetype == plain.mimetype
        contents = masked.data
        if name == "bundle.zip":
            with zipfile.ZipFile(io.BytesIO(contents)) as outer:
                (part,) = outer.infolist()
                with zipfile.ZipFile(outer.open(part)) as archive:
                    contents = b"".join(map(archive.read, archive.namelist()))
        text = contents.decode("latin-1")
        assert [it for it in ORIGINALS if it in text] == []
        named = masked.headers["Content-Disposition"]
        assert call_hash(evidence.call_id) not in named

    def test_the_signature_is_the_page_s_own(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        page = client.get(keep(small_call())).text
        masked = re.findall(r'<a href="([^"]+&amp;mask=1)" download>', page)
        assert len(masked) == 2
        for link in masked:
            assert client.get(link.replace("&amp;", "&")).status_code == 200

    @pytest.mark.parametrize("value", ["1", "", "true", "yes"])
    def test_whoever_asks_in_another_way_gets_it_too(
        self, value: str, client: FlaskClient, keep: Keep
    ) -> None:
        link = file_of(keep(small_call()), "sip.txt")
        assert "+5511" not in client.get(f"{link}&mask={value}").text
        assert "+5511" in client.get(f"{link}&mask=0").text

    def test_the_bundle_is_a_part_that_can_be_read_back(
        self, client: FlaskClient, keep: Keep, recorded: Recorded
    ) -> None:
        evidence = recorded("answered_rtcp")
        data = _get(client, keep(evidence), "bundle.zip", masked=True).data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            part = archive.read("masked.zip")
        read = unpack(part, customer_id="masked", call_id=mask(evidence).call_id)
        assert len(read.sip) == len(evidence.sip)
        assert explain(read).outcome == explain(evidence).outcome

    @pytest.mark.parametrize("name", ["answered_rtcp", "ipv6_udp", "sip_tcp"])
    def test_tshark_reads_the_masked_capture(
        self,
        name: str,
        client: FlaskClient,
        keep: Keep,
        recorded: Recorded,
        need_tool: Callable[[str], str],
        tmp_path: Path,
    ) -> None:
        evidence = recorded(name)
        evidence.logs = [LogLine(evidence.sip[1].ts + 1000, "p", "alice calls")]
        capture = tmp_path / "masked.pcapng"
        data = _get(client, keep(evidence), "capture.pcapng", masked=True).data
        capture.write_bytes(data)
        fields = ["frame.protocols", "sip.Call-ID", "sip.from.user", "_ws.malformed"]
        wanted = [word for field in fields for word in ("-e", field)]
        ran = subprocess.run(
            [need_tool("tshark"), "-r", capture, "-T", "fields", *wanted],
            capture_output=True,
            text=True,
            check=True,
        )
        frames = [line.split("\t") for line in ran.stdout.splitlines()]
        sip = [frame for frame in frames if ":sip" in frame[0]]
        assert len(sip) == len(evidence.sip)
        assert {frame[1] for frame in sip} == {mask(evidence).call_id}
        assert {frame[2] for frame in sip} == {"user-2"}
        assert not any(frame[3] for frame in frames)
        assert sum(":rtcp" in frame[0] for frame in frames) == len(evidence.rtcp)

    def test_sngrep_reads_the_masked_capture(
        self,
        client: FlaskClient,
        keep: Keep,
        recorded: Recorded,
        need_tool: Callable[[str], str],
        tmp_path: Path,
    ) -> None:
        evidence = recorded("proxy_baresip")
        capture, copy = tmp_path / "masked.pcapng", tmp_path / "copy.pcap"
        data = _get(client, keep(evidence), "capture.pcapng", masked=True).data
        capture.write_bytes(data)
        command = [need_tool("sngrep"), "-N", "-q", "-I", capture, "-O", copy]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        with copy.open("rb") as file:
            read = [item.payload for item in read_capture(file) if item.kind == "sip"]
        assert read == [item.payload for item in mask(evidence).sip]

    @settings(max_examples=25)
    @given(people)
    def test_nobody_is_found_in_any_byte_of_any_file(self, who: People) -> None:
        evidence = mask(call_of(who))
        call = explain(evidence)
        drawn = ladder(call)
        capture = exports.capture(call)
        with zipfile.ZipFile(io.BytesIO(pack(evidence))) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
        files = [
            capture,
            *parts,
            exports.logs_text(evidence).encode(),
            exports.sip_text(call).encode(),
            json.dumps(call_document(call)).encode(),
            report(call, drawn, now=START, masked=True)[0].encode(),
            ladder_file(call, drawn)[0].encode(),
            as_text(call, 120).encode(),
            scenario(call, "uac").encode(),
            scenario(call, "uas").encode(),
        ]
        everything = b"\n".join(files).lower()
        assert [it for it in who.all() if it.lower().encode() in everything] == []
        ends = {
            end.ip
            for item in read_capture(io.BytesIO(capture))
            for end in (item.src, item.dst)
            if end is not None
        }
        assert not ends & {*who.ips, who.ip6}


def test_a_capture_has_what_the_network_said_and_says_what_was_cut(
    tmp_path: Path, need_tool: Callable[[str], str]
) -> None:
    invite = sip("INVITE sip:bob@example.com SIP/2.0", filler=900)
    event = NetworkEvent.read(START + 1, icmp(3, 4, udp(invite), mtu=900))
    assert event is not None
    cut = SipPacket(START, ALICE, BOB, "udp", invite[:400], len(invite) - 400, "cut")
    call = Evidence(CUSTOMER, "call@example.com", sip=[cut], network=[event])
    path = tmp_path / "call.pcapng"
    path.write_bytes(exports.capture(explain(call)))
    fields = ("frame.len", "frame.cap_len", "udp.length", "icmp.mtu")
    command = [need_tool("tshark"), "-n", "-r", str(path), "-T", "fields"]
    command += [word for field in fields for word in ("-e", field)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    first, second = (line.split("\t") for line in shown.splitlines())
    assert first == [str(28 + len(invite)), "428", str(8 + len(invite)), ""]
    assert second[3] == "900"
