"""The files that a call can be taken away as, each under the page's own signature.

With ``mask=1`` beside the signed parameters a file is about nobody: every download but
the schema is made from masked evidence then. What is masked has no say in who may see
it, so that it needs no signature.
"""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import cast
from typing import TYPE_CHECKING

from flask import current_app
from flask import request
from flask import Response
from flask.typing import ResponseReturnValue

from ..analysis.aliases import NO_ALIASES
from ..analysis.dialog import Call
from ..analysis.dialog import explain
from ..analysis.document import call_document
from ..analysis.ladder import as_text
from ..evidence import Evidence
from ..masking import mask
from ..sipp import scenario
from ..sipp import Side
from ..sipp import sides
from ..vault.bundle import pack
from . import exports
from .addresses import Addresses
from .errors import CallNotFoundError
from .explained import ExplainedCall
from .ladder_file import ladder_file
from .page import Download
from .report import report

if TYPE_CHECKING:
    from ..extension import MountedVault

#: Columns of the ladder as text: wider than a terminal, as wide as an editor.
LADDER_COLUMNS = 120

#: What the call page offers, in the order in which it is wanted: the endpoint, the
#: file's name, masked or not, and what is in it.
_OFFERED = (
    (".capture", "capture.pcapng", "SIP, RTCP and log lines for Wireshark and sngrep"),
    (".report_file", "report.html", "the call on one page, to attach to a ticket"),
    (".report_file", "report.html, masked", "the same, between nobodies"),
    (".capture", "capture.pcapng, masked", "the capture without numbers and names"),
    (".sip_text", "sip.txt", "every SIP message, to read or to mail"),
    (".logs_text", "logs.txt", "every log line, with its time"),
    (".ladder_text", "ladder.txt", "the ladder as plain text"),
    (".ladder_drawing", "ladder.svg", "the ladder as a drawing"),
    (".uac_scenario", "uac.xml", "a SIPp scenario that plays the caller"),
    (".uas_scenario", "uas.xml", "a SIPp scenario that plays the called side"),
    (".call_json", "call.json", "everything on this page, for programs"),
    (".bundle", "bundle.zip", "what the vault holds, as it is kept"),
)


def offered(call: Call, addresses: Addresses) -> list[Download]:
    """The downloads that the call page offers."""
    possible = {f".{side}_scenario" for side in sides(call)}
    return [
        Download(
            addresses.of(endpoint) + ("&mask=1" if name.endswith("masked") else ""),
            name,
            what,
        )
        for endpoint, name, what in _OFFERED
        if endpoint in possible or not endpoint.endswith("_scenario")
    ]


def call_json(call_hash: str) -> ResponseReturnValue:
    """Everything about a call, for programs."""
    document = call_document(_call(call_hash))
    return _file(json.dumps(document), "application/json", call_hash, "json")


def call_schema() -> ResponseReturnValue:
    """The JSON Schema of what :func:`call_json` gives."""
    schema = files("flask_sipvault.analysis") / "call.schema.json"
    return Response(schema.read_bytes(), mimetype="application/schema+json")


def capture(call_hash: str) -> ResponseReturnValue:
    """A capture file: SIP, RTCP and log lines in time order."""
    data = exports.capture(_call(call_hash))
    return _file(data, "application/x-pcapng", call_hash, "pcapng")


def bundle(call_hash: str) -> ResponseReturnValue:
    """The parts of the call in one zip, byte for byte as the vault keeps them; masked,
    all of it as one part.
    """
    if _is_masked():
        parts = [("masked.zip", pack(_evidence(call_hash)))]
    else:
        customer_id, call_id = _state().verify(call_hash, request.args)
        parts = _state().vault(customer_id).raw_parts(call_id)
        if not parts:
            raise _not_found(call_id)
    return _file(exports.bundle(parts), "application/zip", call_hash, "zip")


def logs_text(call_hash: str) -> ResponseReturnValue:
    """The log lines as text."""
    text = exports.logs_text(_evidence(call_hash))
    return _file(text, "text/plain", call_hash, "logs.txt")


def sip_text(call_hash: str) -> ResponseReturnValue:
    """The SIP messages as text."""
    text = exports.sip_text(_call(call_hash))
    return _file(text, "text/plain", call_hash, "sip.txt")


def ladder_text(call_hash: str) -> ResponseReturnValue:
    """The ladder as text."""
    text = as_text(_call(call_hash), LADDER_COLUMNS)
    return _file(text, "text/plain", call_hash, "ladder.txt")


def ladder_drawing(call_hash: str) -> ResponseReturnValue:
    """The ladder as an SVG file."""
    explained = _explained(call_hash)
    text, policy = ladder_file(explained.call, explained.ladder("merged"))
    return _file(text, "image/svg+xml", call_hash, "ladder.svg", policy)


def report_file(call_hash: str) -> ResponseReturnValue:
    """The report of the call, one HTML file."""
    explained = _explained(call_hash)
    text, policy = report(
        explained.call,
        explained.ladder("merged"),
        now=time.time_ns(),
        masked=_is_masked(),
    )
    return _file(text, "text/html", call_hash, "report.html", policy)


def uac_scenario(call_hash: str) -> ResponseReturnValue:
    """A SIPp scenario of the caller."""
    return _scenario(call_hash, "uac")


def uas_scenario(call_hash: str) -> ResponseReturnValue:
    """A SIPp scenario of the called side."""
    return _scenario(call_hash, "uas")


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


def _scenario(call_hash: str, side: Side) -> ResponseReturnValue:
    text = scenario(_call(call_hash), side)
    return _file(text, "application/xml", call_hash, f"{side}.xml")


def _state() -> MountedVault:
    return cast("MountedVault", current_app.extensions["sipvault"])


def _is_masked() -> bool:
    # Whoever asks for it in some other way than "1" wants it as well.
    return request.args.get("mask", "0") != "0"


def _evidence(call_hash: str) -> Evidence:
    """What is stored of the call that the request's link is for, masked if it asks.

    :raises LinkError: if the link opens nothing.
    :raises CallNotFoundError: if there is nothing to open.
    """
    customer_id, call_id = _state().verify(call_hash, request.args)
    evidence = _state().vault(customer_id).find(call_id)
    if evidence is None:
        raise _not_found(call_id)
    return mask(evidence) if _is_masked() else evidence


def _not_found(call_id: str) -> CallNotFoundError:
    return CallNotFoundError(call_id, _state().settings.lookback_days)


def _call(call_hash: str) -> Call:
    return explain(_evidence(call_hash))


def _explained(call_hash: str) -> ExplainedCall:
    evidence = _evidence(call_hash)
    if _is_masked():
        # An alias is a name, and may be one of an address that was made up.
        return ExplainedCall(evidence, NO_ALIASES)
    return _state().explained.of(evidence)


def _file(
    content: str | bytes, mimetype: str, call_hash: str, ending: str, policy: str = ""
) -> ResponseReturnValue:
    """A download, named by the call's hash: a Call-ID may hold any character.

    :param policy: its own content security policy, stricter than the page's.
    """
    # The link was verified, so call_hash is 16 hex digits and needs no quoting. Whoever
    # has the Call-ID of a CDR can work it out: a masked file must not be named by it.
    name = f"call-{'masked' if _is_masked() else call_hash}.{ending}"
    response = Response(
        content,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    if policy:
        response.headers["Content-Security-Policy"] = policy
    return response
