"""Scenarios are held against SIPp itself: it plays both sides of a recorded call."""

from __future__ import annotations

import re
import socket
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.masking import mask
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.sipp import NoScriptError
from flask_sipvault.sipp import scenario
from flask_sipvault.sipp import Side

from ..ports import free_port
from . import calls

Recorded = Callable[[str], Evidence]
Play = Callable[..., tuple[str, str]]

SIDES: tuple[Side, Side] = ("uas", "uac")


@pytest.fixture
def recorded(agent_corpus: Path) -> Recorded:
    def read(name: str) -> Evidence:
        with (agent_corpus / f"{name}.pcap").open("rb") as file:
            return next(
                import_capture(read_capture(file), customer_id="acme", source=name)
            )

    return read


@pytest.fixture
def play(need_tool: Callable[[str], str], tmp_path: Path) -> Play:
    """Let SIPp play a call against itself; what the called side and what the caller
    received and sent.
    """
    sipp = need_tool("sipp")

    def run(
        call: Call, *, address: str = "127.0.0.1", tcp: bool = False
    ) -> tuple[str, str]:
        ports = {side: free_port(address) for side in SIDES}
        local = f"[{address}]" if ":" in address else address
        running = []
        for side in SIDES:
            text = scenario(call, side)
            # Nobody wants to wait for as long as they talked.
            quick = re.sub(
                r'milliseconds="(\d+)"',
                lambda m: f'milliseconds="{int(m[1]) // 20}"',
                text,
            )
            (tmp_path / f"{side}.xml").write_text(quick)
            peer = [f"{local}:{ports['uas']}"] if side == "uac" else []
            command = [
                *(
                    sipp,
                    *peer,
                    "-sf",
                    f"{side}.xml",
                    "-i",
                    local,
                    "-p",
                    str(ports[side]),
                ),
                *("-m", "1", "-timeout", "20s", "-timeout_error", "-nostdin"),
                *("-trace_msg", "-message_file", f"{side}.log", "-ap", "secret"),
                *(["-t", "t1"] if tcp else []),
            ]
            process = subprocess.Popen(
                command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            running.append(process)
            if side == "uas":
                _wait_until_listening(local, ports[side], tcp)
        try:
            failed = [process.communicate(timeout=30)[1] for process in running]
        finally:
            for process in running:
                process.kill()
        assert [process.returncode for process in running] == [0, 0], failed
        uas, uac = ((tmp_path / f"{side}.log").read_text() for side in SIDES)
        return uas, uac

    return run


def _wait_until_listening(address: str, port: int, tcp: bool) -> None:
    hexed = f":{port:04X} "
    tables = [f"/proc/net/{'tcp' if tcp else 'udp'}{v}" for v in ("", "6")]
    for _ in range(200):
        if any(hexed in Path(table).read_text() for table in tables):
            return
        subprocess.run(["sleep", "0.02"], check=True)
    raise AssertionError(f"nothing listens on {address}:{port}")


def _messages(log: str) -> list[str]:
    """The messages in what SIPp noted down, sent and received."""
    return re.split(r"-{20,} .*\n.*\n\n?", log)[1:]


def _received(log: str) -> list[str]:
    """The start lines of what one side received."""
    return re.findall(r"message received \[\d+\] bytes :\s+([^\r\n]+)", log)


class TestSippPlays:
    @pytest.mark.parametrize(
        "name",
        [
            *("answered_rtcp", "busy_486", "cancel_487", "auth_invite", "proxy_sipp"),
            *("proxy_baresip", "lost_ack_retrans", "compact_headers", "noanswer"),
            *("fragmented", "strange_callid"),
        ],
    )
    def test_both_sides_of_a_recorded_call(
        self, name: str, recorded: Recorded, play: Play
    ) -> None:
        play(explain(recorded(name)))

    def test_a_call_over_ipv6(self, recorded: Recorded, play: Play) -> None:
        _, uac = play(explain(recorded("ipv6_udp")), address="::1")
        assert "c=IN IP6 ::1" in uac

    def test_a_call_over_tcp(self, recorded: Recorded, play: Play) -> None:
        play(explain(recorded("sip_tcp")), tcp=True)

    @pytest.mark.parametrize("name", ["auth_invite", "cancel_487", "proxy_baresip"])
    def test_a_masked_call(self, name: str, recorded: Recorded, play: Play) -> None:
        play(explain(mask(recorded(name))))

    @pytest.mark.parametrize(
        "story",
        [
            calls.hung_up_by_the_called_side,
            calls.held_by_the_called_side,
            calls.reliably_ringing,
            calls.with_keys_pressed,
            calls.from_a_hostile_caller,
        ],
    )
    def test_a_call_as_no_recording_has_it(
        self, story: Callable[[], calls.Story], play: Play
    ) -> None:
        play(story().call())

    def test_the_leg_beside_each_party(self, recorded: Recorded, play: Play) -> None:
        uas, uac = play(explain(recorded("proxy_baresip")))
        assert [line.split()[0] for line in _received(uas)] == [
            *("INVITE", "ACK", "INVITE", "ACK", "INVITE", "ACK", "BYE")
        ]
        # The proxy's "100 trying" was on the caller's leg only.
        assert "SIP/2.0 100" not in "".join(_received(uac))


class TestWhatIsPlayed:
    def test_the_challenge_is_answered_for_the_recorded_user(
        self, recorded: Recorded, play: Play
    ) -> None:
        uas, _ = play(explain(recorded("auth_invite")))
        assert 'Proxy-Authorization: Digest username="alice"' in uas
        assert "73d57188b43133e5a65faca36ffe4528" not in uas

    def test_a_refusal_after_the_cancel_still_answers_the_invite(
        self, recorded: Recorded, play: Play
    ) -> None:
        _, uac = play(explain(recorded("cancel_487")))
        invite, *_, refusal, ack = _messages(uac)
        assert refusal.startswith("SIP/2.0 487")
        assert "CSeq: 1 INVITE" in refusal
        branch = re.search(r"branch=\S+", invite)
        assert branch
        assert branch[0] in refusal
        assert branch[0] in ack

    def test_the_called_side_hangs_up_in_the_dialog(self, play: Play) -> None:
        _, uac = play(calls.hung_up_by_the_called_side().call())
        bye = uac.partition("BYE sip:alice@127.0.0.1:")[2]
        assert re.search(r"From: ?<sip:bob@127.0.0.1:\d+>;tag=\d+SIPpTag011\r?\n", bye)
        assert re.search(r'To: ?"Alice" <sip:alice@\S+>;tag=\d+SIPpTag001\r?\n', bye)

    def test_a_prack_names_what_it_acknowledges(self, play: Play) -> None:
        uas, uac = play(calls.reliably_ringing().call())
        assert "RAck: 776656 1 INVITE" in uas
        answers = [it for it in _messages(uac) if it.startswith("SIP/2.0 200")]
        methods = re.findall(r"CSeq: (.*)", "".join(answers))
        assert methods == ["2 PRACK", "1 INVITE", "3 BYE"]

    def test_a_late_answer_takes_every_via_and_the_route_along(
        self, need_tool: Callable[[str], str], tmp_path: Path, recorded: Recorded
    ) -> None:
        """A proxy in front of the called side adds its own."""
        call = explain(recorded("cancel_487"))
        (tmp_path / "uas.xml").write_text(scenario(call, "uas"))
        port = free_port()
        command = [
            *(need_tool("sipp"), "-sf", "uas.xml", "-i", "127.0.0.1", "-p", str(port)),
            *("-m", "1", "-timeout", "20s", "-nostdin"),
        ]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_listening("127.0.0.1", port, tcp=False)
            answer = _cancelled_through_a_proxy(port)
        finally:
            process.kill()
            process.wait()
        lines = answer.split("\r\n")
        assert lines[1].endswith(";branch=z9hG4bKproxy")
        assert lines[2] == "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKcaller"
        assert "Record-Route: <sip:127.0.0.1;lr>" in lines
        assert "CSeq: 5 INVITE" in lines
        assert lines.index("") == len(lines) - 2


def _cancelled_through_a_proxy(port: int) -> str:
    """The answer to an INVITE that comes through a proxy and is cancelled."""
    rest = (
        "From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 5 {}\r\n"
        "Contact: <sip:a@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
    )
    beyond = (
        "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKcaller\r\n"
        "Record-Route: <sip:127.0.0.1;lr>\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as proxy:
        proxy.settimeout(10)
        proxy.connect(("127.0.0.1", port))
        host = f"127.0.0.1:{proxy.getsockname()[1]}"
        via = f"Via: SIP/2.0/UDP {host};branch=z9hG4bKproxy\r\n"
        invite = f"INVITE sip:b@b SIP/2.0\r\n{via}{beyond}{rest.format('INVITE')}"
        proxy.send(invite.encode())
        while not proxy.recv(9000).startswith(b"SIP/2.0 180"):
            pass
        proxy.send(f"CANCEL sip:b@b SIP/2.0\r\n{via}{rest.format('CANCEL')}".encode())
        while True:
            answer = proxy.recv(9000)
            if answer.startswith(b"SIP/2.0 487"):
                return answer.decode()


class TestHostileTexts:
    """A keyword in a scenario is obeyed: ``[file name=…]`` reads a file."""

    def test_reach_the_other_side_as_texts(self, play: Play) -> None:
        uas, uac = play(calls.from_a_hostile_caller().call())
        trap = "[file name=/etc/hostname] \\x41 ]]> <recv/> [last_From:] [unknown] [$1]"
        assert f"Subject: {trap}" in uas
        assert f"X-[pid]: {trap}" in uas
        assert f"a=x:{trap}" in uas
        assert '"]]> [file name=/etc/hostname]" <sip:alice@' in uas
        assert f"SIP/2.0 486 {trap}" in uac

    @pytest.mark.parametrize("side", SIDES)
    def test_leave_the_document_well_formed(self, side: Side) -> None:
        text = scenario(calls.from_a_hostile_caller().call(), side)
        document = ElementTree.fromstring(text)
        assert {element.tag for element in document} <= {"send", "recv", "pause"}


class TestTheSteps:
    def test_pauses_are_as_long_as_they_were(self, recorded: Recorded) -> None:
        call = explain(recorded("answered_rtcp"))
        assert '<pause milliseconds="14507"/>' in scenario(call, "uac")
        assert '<pause milliseconds="306"/>' in scenario(call, "uas")

    def test_retransmissions_are_left_to_sipp(self, recorded: Recorded) -> None:
        text = scenario(explain(recorded("lost_ack_retrans")), "uas")
        assert text.count("SIP/2.0 200 OK") == 2  # to INVITE and BYE
        assert '<send retrans="500">' in text

    def test_provisional_responses_are_optional(self, recorded: Recorded) -> None:
        text = scenario(explain(recorded("busy_486")), "uac")
        assert '<recv response="180" optional="true" rrs="true"/>' in text
        assert '<recv response="486"/>' in text

    def test_the_one_that_the_caller_acts_upon_is_not(self, recorded: Recorded) -> None:
        text = scenario(explain(recorded("cancel_487")), "uac")
        assert '<recv response="180" rrs="true"/>\n  <pause' in text

    def test_nobody_s_own_addresses_are_left(self, recorded: Recorded) -> None:
        for side in SIDES:
            text = scenario(explain(recorded("proxy_baresip")), side)
            assert "10.77.0." not in re.sub(r"a=ssrc.*", "", text)

    @pytest.mark.parametrize("side", SIDES)
    def test_a_call_without_its_invite_has_none(self, side: Side) -> None:
        story = calls.Story().caller("BYE", "2 BYE").called("200 OK", "2 BYE")
        with pytest.raises(NoScriptError, match="no INVITE was captured"):
            scenario(story.call(), side)
