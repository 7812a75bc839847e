"""The pieces of a call's page that are fetched when they are wanted.

Each is under the signature of the link that is open, like the page itself.
"""

from __future__ import annotations

from typing import cast
from typing import TYPE_CHECKING

from flask import current_app
from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from .addresses import Addresses
from .comparison_view import comparison_view
from .errors import CallNotFoundError
from .errors import MessageNotFoundError
from .explained import ExplainedCall
from .log_views import logs_view
from .sip_views import call_start
from .sip_views import SipViews
from .view_state import View

if TYPE_CHECKING:
    from ..extension import MountedVault


def ladder_piece(call_hash: str) -> ResponseReturnValue:
    """The ladder as the page has it, with the stretch that was asked for drawn."""
    drawn = SipViews(*_asked(call_hash)).ladder()
    return render_template("sipvault/_ladder_drawing.html", ladder=drawn)


def message_piece(call_hash: str) -> ResponseReturnValue:
    """The messages as the page has them, the stretch that was asked for written out."""
    messages = SipViews(*_asked(call_hash)).messages()
    return render_template("sipvault/_message_pieces.html", messages=messages)


def log_piece(call_hash: str) -> ResponseReturnValue:
    """The log as the page has it, with the stretch that was asked for written out."""
    explained, view, addresses = _asked(call_hash)
    call = explained.call
    logs = logs_view(
        call.evidence.logs, call.messages, call_start(call), view, addresses.page
    )
    return render_template("sipvault/_log_pieces.html", logs=logs)


def compare(call_hash: str) -> ResponseReturnValue:
    """A page with two messages side by side; a script shows its table in the call's.

    :raises MessageNotFoundError: if the call has no such two messages.
    """
    explained, view, addresses = _asked(call_hash)
    messages = {str(message.n): message for message in explained.call.messages}
    left = messages.get(request.args.get("left", ""))
    right = messages.get(request.args.get("right", ""))
    if left is None or right is None:
        raise MessageNotFoundError(len(messages))
    comparison = comparison_view(
        left, right, explained.ladder(view.ports), addresses.page(View())
    )
    return render_template("sipvault/compare.html", comparison=comparison)


def _asked(call_hash: str) -> tuple[ExplainedCall, View, Addresses]:
    state = cast("MountedVault", current_app.extensions["sipvault"])
    customer_id, call_id = state.verify(call_hash, request.args)
    evidence = state.vault(customer_id).find(call_id)
    if evidence is None:
        raise CallNotFoundError(call_id, state.settings.lookback_days)
    return (
        state.explained.of(evidence),
        View.of(request.args),
        Addresses(call_hash, request.args),
    )
