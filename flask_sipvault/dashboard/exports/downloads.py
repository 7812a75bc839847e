"""The files that a call can be taken away as, each under the link of its page.

With ``mask=1`` beside the signed parameters a file is about nobody: every download but
the schema is made from masked evidence then. What is masked has no say in who may see
it, so that it needs no signature.
"""

from __future__ import annotations

import json
import time
from importlib.resources import files

from flask import Response
from flask.typing import ResponseReturnValue

from ...analysis.document.document import call_document
from ...analysis.explain import Call
from ...analysis.ladder.ladder import as_text
from ...language import _
from ...language import N_
from ...sipp import scenario
from ...sipp import Side
from ...sipp import sides
from ..access import CallAccess
from ..page import Download
from . import files as exports
from .ladder_file import ladder_file
from .report import report

#: Columns of the ladder as text: wider than a terminal, as wide as an editor.
LADDER_COLUMNS = 120

#: What the call page offers, in the order in which it is wanted: the endpoint, the
#: file's name, masked or not, and what is in it.
_OFFERED = (
    (
        ".capture",
        "capture.pcapng",
        N_("SIP, RTCP and log lines for Wireshark and sngrep"),
    ),
    (".report_file", "report.html", N_("the call on one page, to attach to a ticket")),
    (".report_file", "report.html, masked", N_("the same, between nobodies")),
    (".capture", "capture.pcapng, masked", N_("the capture without numbers and names")),
    (".sip_text", "sip.txt", N_("every SIP message, to read or to mail")),
    (".logs_text", "logs.txt", N_("every log line, with its time")),
    (".ladder_text", "ladder.txt", N_("the ladder as plain text")),
    (".ladder_drawing", "ladder.svg", N_("the ladder as a drawing")),
    (".uac_scenario", "uac.xml", N_("a SIPp scenario that plays the caller")),
    (".uas_scenario", "uas.xml", N_("a SIPp scenario that plays the called side")),
    (".call_json", "call.json", N_("everything on this page, for programs")),
    (".bundle", "bundle.zip", N_("what the vault holds, as it is kept")),
)


def offered(call: Call, opening: CallAccess) -> list[Download]:
    """The downloads that the call page offers; where all of it is masked, none twice.

    :param call: without the legs beside it.
    """
    possible = {f".{side}_scenario" for side in sides(call)}
    return [
        Download(
            opening.addresses.of(endpoint)
            + ("&mask=1" if name.endswith("masked") else ""),
            name,
            _(what),
        )
        for endpoint, name, what in _OFFERED
        if (endpoint in possible or not endpoint.endswith("_scenario"))
        and not (opening.masked and (name.endswith("masked") or endpoint == ".bundle"))
    ]


def call_json(opening: CallAccess) -> ResponseReturnValue:
    """Everything about a call, for programs."""
    document = call_document(opening.call())
    return _file(json.dumps(document), "application/json", opening, "json")


def call_schema() -> ResponseReturnValue:
    """The JSON Schema of what :func:`call_json` gives."""
    schema = files("flask_sipvault.analysis") / "call.schema.json"
    return Response(schema.read_bytes(), mimetype="application/schema+json")


def capture(opening: CallAccess) -> ResponseReturnValue:
    """A capture file: SIP, RTCP and log lines in time order."""
    data = exports.capture(opening.call())
    return _file(data, "application/x-pcapng", opening, "pcapng")


def bundle(opening: CallAccess) -> ResponseReturnValue:
    """The parts of the call in one zip, byte for byte as the vault keeps them; masked,
    all of it as one part.
    """
    data = exports.bundle(opening.parts())
    return _file(data, "application/zip", opening, "zip")


def logs_text(opening: CallAccess) -> ResponseReturnValue:
    """The log lines as text."""
    text = exports.logs_text(opening.call().evidence)
    return _file(text, "text/plain", opening, "logs.txt")


def sip_text(opening: CallAccess) -> ResponseReturnValue:
    """The SIP messages as text."""
    text = exports.sip_text(opening.call())
    return _file(text, "text/plain", opening, "sip.txt")


def ladder_text(opening: CallAccess) -> ResponseReturnValue:
    """The ladder as text."""
    text = as_text(opening.call(), LADDER_COLUMNS)
    return _file(text, "text/plain", opening, "ladder.txt")


def ladder_drawing(opening: CallAccess) -> ResponseReturnValue:
    """The ladder as an SVG file."""
    explained = opening.explained()
    text, policy = ladder_file(explained.call, explained.ladder("merged"))
    return _file(text, "image/svg+xml", opening, "ladder.svg", policy)


def report_file(opening: CallAccess) -> ResponseReturnValue:
    """The report of the call, one HTML file."""

    def made() -> tuple[str, str]:
        explained = opening.explained()
        return report(
            explained.call,
            explained.ladder("merged"),
            now=time.time_ns(),
            masked=opening.masked,
        )

    text, policy = opening.text("report", made, lambda it: len(it[0]))
    return _file(text, "text/html", opening, "report.html", policy)


def uac_scenario(opening: CallAccess) -> ResponseReturnValue:
    """A SIPp scenario of the caller."""
    return _scenario(opening, "uac")


def uas_scenario(opening: CallAccess) -> ResponseReturnValue:
    """A SIPp scenario of the called side."""
    return _scenario(opening, "uas")


#: Addresses that programs and browsers' download managers ask for.
FILES = {
    "call.json": call_json,
    "capture.pcapng": capture,
    "bundle.zip": bundle,
    "logs.txt": logs_text,
    "sip.txt": sip_text,
    "ladder.txt": ladder_text,
    "ladder.svg": ladder_drawing,
    "report.html": report_file,
    "uac.xml": uac_scenario,
    "uas.xml": uas_scenario,
}


def _scenario(opening: CallAccess, side: Side) -> ResponseReturnValue:
    text = scenario(opening.explained().main, side)
    return _file(text, "application/xml", opening, f"{side}.xml")


def _file(
    content: str | bytes,
    mimetype: str,
    opening: CallAccess,
    ending: str,
    policy: str = "",
) -> ResponseReturnValue:
    """A download, named by the call's hash: a Call-ID may hold any character.

    :param policy: its own content security policy, stricter than the page's.
    """
    # 16 hex digits or a word: that needs no quoting.
    name = f"call-{opening.file_name}.{ending}"
    response = Response(
        content,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    if policy:
        response.headers["Content-Security-Policy"] = policy
    return response
