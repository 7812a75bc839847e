"""The views: a click, and a call's page."""

from __future__ import annotations

from typing import cast
from typing import TYPE_CHECKING

from flask import current_app
from flask import redirect
from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from ..evidence import Evidence
from ..links import HOURS_OF_GRACE
from .addresses import Addresses
from .describe import describe
from .downloads import offered
from .errors import CallNotFoundError
from .view_state import View

if TYPE_CHECKING:
    from ..extension import MountedVault


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
    addresses = Addresses(call_hash, request.args)
    explained = state().explained.of(evidence)
    page = describe(
        explained,
        view=View.of(request.args),
        addresses=addresses,
        valid_until=(int(request.args["ts"]) + HOURS_OF_GRACE + 1) * 3600,
        downloads=offered(explained.call, addresses),
        leg_url=lambda call_id: state().url_for_call(call_id, evidence.customer_id),
    )
    return render_template("sipvault/call.html", page=page)


def _evidence(call_hash: str) -> Evidence:
    """What is stored of the call that the request's link is for.

    :raises LinkError: if the link opens nothing.
    :raises CallNotFoundError: if there is nothing to open.
    """
    customer_id, call_id = state().verify(call_hash, request.args)
    evidence = state().vault(customer_id).find(call_id)
    if evidence is None:
        raise CallNotFoundError(call_id, state().settings.lookback_days)
    return evidence
