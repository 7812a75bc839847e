"""The views: a click, a call's page, and its downloads."""

from __future__ import annotations

import json
from typing import cast
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import current_app
from flask import redirect
from flask import render_template
from flask import request
from flask import Response
from flask import url_for
from flask.typing import ResponseReturnValue

from ..analysis.dialog import explain
from ..analysis.document import call_document
from ..evidence import Evidence
from ..links import HOURS_OF_GRACE
from . import exports
from .addresses import Addresses
from .describe import describe
from .errors import CallNotFoundError
from .page import Download
from .view_state import View

if TYPE_CHECKING:
    from ..extension import MountedVault

#: The parameters of a link, the only ones that are passed on.
_SIGNED = ("cid", "callid", "ts", "sig")

#: What the call page offers, in the order in which it is wanted.
_DOWNLOADS = (
    (".capture", "capture.pcapng", "SIP, RTCP and log lines for Wireshark and sngrep"),
    (".sip_text", "sip.txt", "every SIP message, to read or to mail"),
    (".logs_text", "logs.txt", "every log line, with its time"),
    (".call_json", "call.json", "everything on this page, for programs"),
    (".bundle", "bundle.zip", "what the vault holds, as it is kept"),
)


def state() -> MountedVault:
    """The extension in the current app."""
    return cast("MountedVault", current_app.extensions["sipvault"])


def open_click(token: str) -> ResponseReturnValue:
    """Sign a link now, for a row that may have been drawn hours ago, and go there."""
    customer_id, call_id = state().open_token(token)
    return redirect(state().url_for_call(call_id, customer_id), code=303)


def call_page(call_hash: str) -> ResponseReturnValue:
    """The page of a call."""
    evidence = _evidence(call_hash)
    page = describe(
        state().explained.of(evidence),
        view=View.of(request.args),
        addresses=Addresses(call_hash, request.args),
        valid_until=(int(request.args["ts"]) + HOURS_OF_GRACE + 1) * 3600,
        downloads=_downloads(call_hash),
        leg_url=lambda call_id: state().url_for_call(call_id, evidence.customer_id),
    )
    return render_template("sipvault/call.html", page=page)


def call_json(call_hash: str) -> ResponseReturnValue:
    """Everything about a call, for programs."""
    document = call_document(explain(_evidence(call_hash)))
    return _file(json.dumps(document), "application/json", call_hash, "json")


def capture(call_hash: str) -> ResponseReturnValue:
    """A capture file: SIP, RTCP and log lines in time order."""
    data = exports.capture(explain(_evidence(call_hash)))
    return _file(data, "application/x-pcapng", call_hash, "pcapng")


def bundle(call_hash: str) -> ResponseReturnValue:
    """The parts of the call in one zip, byte for byte as the vault keeps them."""
    customer_id, call_id = state().verify(call_hash, request.args)
    parts = state().vault(customer_id).raw_parts(call_id)
    if not parts:
        raise _not_found(call_id)
    return _file(exports.bundle(parts), "application/zip", call_hash, "zip")


def logs_text(call_hash: str) -> ResponseReturnValue:
    """The log lines as text."""
    text = exports.logs_text(_evidence(call_hash))
    return _file(text, "text/plain", call_hash, "logs.txt")


def sip_text(call_hash: str) -> ResponseReturnValue:
    """The SIP messages as text."""
    text = exports.sip_text(explain(_evidence(call_hash)))
    return _file(text, "text/plain", call_hash, "sip.txt")


def _evidence(call_hash: str) -> Evidence:
    """What is stored of the call that the request's link is for.

    :raises LinkError: if the link opens nothing.
    :raises CallNotFoundError: if there is nothing to open.
    """
    customer_id, call_id = state().verify(call_hash, request.args)
    evidence = state().vault(customer_id).find(call_id)
    if evidence is None:
        raise _not_found(call_id)
    return evidence


def _not_found(call_id: str) -> CallNotFoundError:
    return CallNotFoundError(call_id, state().settings.lookback_days)


def _downloads(call_hash: str) -> list[Download]:
    signed = urlencode([(name, request.args[name]) for name in _SIGNED])
    return [
        Download(f"{url_for(endpoint, call_hash=call_hash)}?{signed}", name, what)
        for endpoint, name, what in _DOWNLOADS
    ]


def _file(
    content: str | bytes, mimetype: str, call_hash: str, ending: str
) -> ResponseReturnValue:
    """A download, named by the call's hash: a Call-ID may hold any character."""
    # The link was verified, so call_hash is 16 hex digits and needs no quoting.
    return Response(
        content,
        mimetype=mimetype,
        headers={
            "Content-Disposition": f'attachment; filename="call-{call_hash}.{ending}"'
        },
    )
