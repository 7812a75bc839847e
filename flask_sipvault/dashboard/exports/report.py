"""The report of a call: one HTML file to attach to a ticket.

It holds everything it shows, runs no script and fetches nothing. Its own policy says so
to the browser, also when it is opened from a disk: the policy stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from jinja2 import PackageLoader
from jinja2 import StrictUndefined
from markupsafe import Markup

from ...analysis.document.document import call_document
from ...analysis.explain import Call
from ...analysis.explain import Party
from ...analysis.ladder.details import Style
from ...analysis.ladder.details import style
from ...analysis.ladder.ladder import Ladder
from ...analysis.logs import level
from ...analysis.words.findings import words_of
from ...analysis.words.headline import answer
from ...analysis.words.headline import reason
from ...analysis.words.identity import vouched
from ...sanitize import on_one_line
from ...sanitize import visible
from .. import formatting as figures
from ..page import ReportView
from ..panels.rtcp.view import report_views
from .files import message_text
from .ladder_file import drawing
from .ladder_file import style_source
from .ladder_file import stylesheet

#: What is longer is no reading matter; the report says so, and the capture holds all.
MESSAGES = 1000
LOG_LINES = 5000
REPORTS = 2000

#: Not the app's: a report is the same whatever templates a host has.
_TEMPLATES = Environment(
    loader=PackageLoader("flask_sipvault.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_STATES = {
    "PARTIAL": "The call was still up when this was written.",
    "EXPIRED": "The call fell silent without an end.",
}


@dataclass(frozen=True, slots=True)
class _MessageView:
    n: int
    style: Style
    label: str
    at: str
    since: str
    route: str
    note: str
    text: str


@dataclass(frozen=True, slots=True)
class _LogView:
    at: str
    source: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class _Report:
    """What ``report.html`` is rendered with; text to be escaped, or markup."""

    headline: str
    call_id: str
    parties: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    notices: list[str]
    findings: list[tuple[str, str, list[str]]]
    ladder: Markup
    verdict: list[str]
    quality: list[tuple[str, ...]]
    streams: list[tuple[str, ...]]
    rtcp: list[ReportView]
    messages: list[_MessageView]
    logs: list[_LogView]
    origin: list[tuple[str, str]]


def report(call: Call, ladder: Ladder, *, now: int, masked: bool) -> tuple[str, str]:
    """The report as HTML, and the content security policy to send it with.

    :param now: the time at which it is made, in ns since the epoch.
    :param masked: whether the call was masked, which the report then says.
    """
    styles = stylesheet("report.css") + stylesheet("ladder.css")
    policy = (
        f"default-src 'none'; style-src {style_source(styles)}; base-uri 'none';"
        " form-action 'none'"
    )
    text = _TEMPLATES.get_template("sipvault/report.html").render(
        report=_view(call, ladder, now, masked),
        masked=masked,
        policy=policy,
        styles=styles,
    )
    return text, f"{policy}; frame-ancestors 'none'; sandbox"


def _view(call: Call, ladder: Ladder, now: int, masked: bool) -> _Report:
    document = call_document(call)
    quality = document["quality"]
    shown = Ladder(ladder.lifelines, ladder.drawn[:MESSAGES], ladder.media)
    return _Report(
        headline=on_one_line(answer(call)),
        call_id=on_one_line(call.evidence.call_id),
        parties=[
            ("Caller", _party(call.caller, vouched(call.identities))),
            ("Called", _party(call.callee)),
        ],
        facts=list(_facts(call)),
        notices=list(_notices(call)),
        findings=list(_findings(call)),
        ladder=drawing(call, shown)[0] if shown.rows else Markup(),
        verdict=[on_one_line(sentence) for sentence in _verdict(quality)],
        quality=list(_quality(quality)),
        streams=[_stream(stream) for stream in document["media"]["streams"]],
        rtcp=report_views(call)[:REPORTS],
        messages=list(_messages(call)),
        logs=[
            _LogView(
                figures.iso(line.ts),
                on_one_line(line.source),
                level(line.line) or "",
                visible(line.text),
            )
            for line in call.evidence.logs[:LOG_LINES]
        ],
        origin=list(_origin(call, now, masked)),
    )


def _party(party: Party, identity: str = "") -> str:
    number = party.user or party.host or party.uri or "unknown"
    asserted = f"asserted {party.asserted}" if party.asserted else ""
    agent = f"({party.user_agent})" if party.user_agent else ""
    address = f"at {party.endpoint}" if party.endpoint else ""
    words = (number, party.display, asserted, agent, address, identity)
    return on_one_line(" ".join(word for word in words if word))


def _facts(call: Call) -> Iterator[tuple[str, str]]:
    outcome = call.outcome
    if call.first_ts is not None and call.last_ts is not None:
        yield "Began", figures.day_and_time(call.first_ts)
        yield "Ended", figures.day_and_time(call.last_ts)
    code = "" if outcome.final_code is None else f"{outcome.final_code} "
    yield "Final answer", on_one_line(f"{code}{reason(call)}") or figures.NONE
    yield "Ended by", outcome.ended_by or figures.NONE
    yield "Post-dial delay", figures.duration(outcome.post_dial_ms)
    yield "Ringing", figures.duration(outcome.ringing_ms)
    yield "Setup", figures.duration(outcome.setup_ms)
    yield "Talk", figures.duration(outcome.talk_ms)
    repeated = sum(m.retransmission_of is not None for m in call.messages)
    yield "Messages", f"{len(call.messages):,}, {repeated:,} of them sent again"
    transports = dict.fromkeys(m.transport.upper() for m in call.messages)
    yield "Transport", ", ".join(transports) or figures.NONE


def _notices(call: Call) -> Iterator[str]:
    evidence = call.evidence
    for damage in evidence.damage:
        yield f"Cannot be read: {on_one_line(damage)}"
    # Without SIP there is no telling whether it was up.
    if evidence.state in _STATES and (evidence.sip or evidence.state != "PARTIAL"):
        yield _STATES[evidence.state]
    for count, most, what in (
        (len(call.messages), MESSAGES, "messages"),
        (len(evidence.logs), LOG_LINES, "log lines"),
    ):
        if count > most:
            yield f"The first {most:,} of {count:,} {what} are shown."


def _findings(call: Call) -> Iterator[tuple[str, str, list[str]]]:
    """Of each finding headline, explanation, and what to check."""
    for finding in call.findings:
        words = words_of(finding)
        yield (
            on_one_line(words.headline),
            on_one_line(words.explanation),
            [on_one_line(text) for text in words.next],
        )


def _verdict(quality: Mapping[str, Any]) -> Iterator[str]:
    """The verdict, and what it rests on, in sentences."""
    yield f"Verdict: {quality['verdict']}."
    reason = quality.get("audio_reason") or ""
    yield f"Audio: {quality['audio_status']}. {reason}".rstrip()
    assumptions = quality.get("assumptions")
    if isinstance(assumptions, list):
        yield from (str(assumption) for assumption in assumptions)


def _quality(quality: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each direction and figure that was measured: average, least, most."""
    names = {"uac": "caller → called", "uas": "called → caller"}
    if not quality.get("labels_certain", True):
        names = {"uac": "one way", "uas": "the other way"}
    units = {"mos": "", "jitter": "ms", "loss": "%", "rtt": "ms"}
    for side, name in names.items():
        direction = quality["directions"][side]
        if not isinstance(direction, Mapping):
            continue
        for key, unit in units.items():
            value = direction.get(key)
            spread = value if isinstance(value, Mapping) else {"avg": value}
            cells = [_number(spread.get(part), unit) for part in ("avg", "min", "max")]
            if any(cell != figures.NONE for cell in cells):
                yield (name, "MOS" if key == "mos" else key, *cells)


def _stream(stream: Mapping[str, Any]) -> tuple[str, ...]:
    jitter = stream.get("jitter_ms")
    spread = jitter if isinstance(jitter, Mapping) else {}
    return (
        on_one_line(f"{stream.get('src')} → {stream.get('dst')}"),
        on_one_line(str(stream.get("ssrc"))),
        on_one_line(str(stream.get("codec") or stream.get("payload_type"))),
        _number(stream.get("packets"), digits=0),
        _number(stream.get("lost"), digits=0),
        _number(stream.get("loss_percent"), "%"),
        _number(spread.get("avg"), "ms"),
        _number(spread.get("max"), "ms"),
    )


def _number(value: Any, unit: str = "", digits: int = 2) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return figures.number(value if is_number else None, unit, digits)


def _messages(call: Call) -> Iterator[_MessageView]:
    start = call.began or 0
    once = [message for message in call.messages if message.copy_of is None]
    for message in once[:MESSAGES]:
        notes = [message.problem]
        if message.retransmission_of is not None:
            notes.append(
                f"sent again, the first is message {message.retransmission_of}"
            )
        yield _MessageView(
            n=message.n,
            style=style(message),
            label=on_one_line(message.summary),
            at=figures.iso(message.ts),
            since=figures.since(message.ts - start),
            route=f"{message.transport} {message.src} → {message.dst}",
            note=on_one_line("; ".join(note for note in notes if note)),
            text=message_text(message.raw).rstrip(),
        )


def _origin(call: Call, now: int, masked: bool) -> Iterator[tuple[str, str]]:
    evidence = call.evidence
    yield "Made", figures.iso(now)
    if not masked:
        yield "Customer", on_one_line(evidence.customer_id)
    yield "State", evidence.state
    if evidence.agents:
        yield "Captured by", on_one_line(", ".join(evidence.agents))
    yield (
        "Made from",
        f"{len(evidence.sip):,} SIP messages, {len(evidence.rtcp):,} RTCP datagrams,"
        f" {len(evidence.logs):,} log lines, {len(evidence.reports):,} quality reports",
    )
    for part in evidence.parts:
        yield "Part", on_one_line(part)
    for why, other in evidence.legs:
        yield "Other leg", on_one_line(f"{other} ({why})")
