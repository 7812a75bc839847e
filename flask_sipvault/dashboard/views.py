"""The views: a click, a call's page, and whether there is more of the call."""

from __future__ import annotations

from flask import jsonify
from flask import redirect
from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from ..evidence import Evidence
from .access import CallAccess
from .exports.downloads import offered
from .page import Live
from .page_builder import describe
from .panels.legs.view import legs_view
from .state import state
from .view_state import View

#: How long the page of a call that is still up waits before it asks whether there is
#: more of it, in seconds. More often is no use: the listing may be that old.
LIVE_SECONDS = 10


def open_click(token: str) -> ResponseReturnValue:
    """Sign a link now, for a row that may have been drawn hours ago, and go there."""
    customer_id, call_id = state().open_token(token)
    state().audit.opened(
        customer_id, call_id, right="click", masked=False, view="open_click"
    )
    return redirect(state().url_for_call(call_id, customer_id), code=303)


def call_page(opening: CallAccess) -> ResponseReturnValue:
    """The page of a call."""
    explained = opening.explained()
    page = describe(
        explained,
        view=View.of(request.args),
        addresses=opening.addresses,
        valid_until=opening.until,
        downloads=offered(explained.main, opening),
        legs=legs_view(explained, opening),
        live=_live(opening, explained.call.evidence),
        shared=opening.shared,
        share_url=_share_url(opening),
    )
    return render_template("sipvault/call.html", page=page)


def live(opening: CallAccess) -> ResponseReturnValue:
    """Whether there is more of a call than a page shows: a text that then changes, and
    how many seconds to wait before asking again.
    """
    return jsonify(version=opening.version(), wait=LIVE_SECONDS)


def _live(opening: CallAccess, evidence: Evidence) -> Live | None:
    if evidence.state != "PARTIAL":
        return None
    return Live(
        bool(evidence.sip),
        opening.addresses.of(".live"),
        opening.version(),
        LIVE_SECONDS,
    )


def _share_url(opening: CallAccess) -> str:
    if opening.shared or opening.masked or not state().shares.allowed:
        return ""
    return opening.addresses.alone().of(".share")
