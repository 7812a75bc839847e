"""The pieces of a call's page that are fetched when they are wanted.

Each is under the link that is open, like the page itself.
"""

from __future__ import annotations

from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from .access import CallAccess
from .addresses import Addresses
from .call_cache import ExplainedCall
from .errors import MessageNotFoundError
from .panels.ladder.view import call_log
from .panels.ladder.view import SipViews
from .panels.logs.view import logs_view
from .panels.messages.comparison import comparison_view
from .view_state import View


def ladder_piece(opening: CallAccess) -> ResponseReturnValue:
    """The ladder as the page has it, with the stretch that was asked for drawn."""
    drawn = SipViews(*_asked(opening)).ladder()
    return render_template("sipvault/_ladder_drawing.html", ladder=drawn)


def message_piece(opening: CallAccess) -> ResponseReturnValue:
    """The messages as the page has them, the stretch that was asked for written out."""
    messages = SipViews(*_asked(opening)).messages()
    return render_template("sipvault/_message_pieces.html", messages=messages)


def log_piece(opening: CallAccess) -> ResponseReturnValue:
    """The log as the page has it, with the stretch that was asked for written out."""
    explained, view, addresses = _asked(opening)
    logs = logs_view(call_log(explained.call), view, addresses.page)
    return render_template("sipvault/_log_pieces.html", logs=logs)


def compare(opening: CallAccess) -> ResponseReturnValue:
    """A page with two messages side by side; a script shows its table in the call's.

    :raises MessageNotFoundError: if the call has no such two messages.
    """
    explained, view, addresses = _asked(opening)
    messages = {str(message.n): message for message in explained.call.messages}
    left = messages.get(request.args.get("left", ""))
    right = messages.get(request.args.get("right", ""))
    if left is None or right is None:
        raise MessageNotFoundError(len(messages))
    comparison = comparison_view(
        left, right, explained.ladder(view.ports), addresses.page(View())
    )
    return render_template("sipvault/compare.html", comparison=comparison)


def _asked(opening: CallAccess) -> tuple[ExplainedCall, View, Addresses]:
    return opening.explained(), View.of(request.args), opening.addresses
