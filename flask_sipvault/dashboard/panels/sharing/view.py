"""Sharing a call: a form, and the link that comes of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from ....access.links import CallIdError
from ....language import _
from ....language import ngettext
from ...access import CallAccess
from ...access import state
from ...errors import NotSharedError
from ...moments import day
from ...moments import Moment

logger = logging.getLogger("flask_sipvault.dashboard")

_HOUR = 3600
_DAY = 24 * _HOUR
_USUAL = (_HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a shared link may live."""

    seconds: int
    label: str


@dataclass(frozen=True, slots=True)
class SharePage:
    """What ``sipvault/share.html`` is rendered with.

    :param action: where the form goes to.
    :param back: the call's page.
    :param link: the link that was made; empty before.
    :param until: when that stops working.
    """

    action: str
    back: str
    lifetimes: list[Lifetime]
    masked: bool = True
    link: str = ""
    until: Moment | None = None


def share(opening: CallAccess) -> ResponseReturnValue:
    """The form; posted, a shared link.

    :raises NotSharedError: where calls cannot be shared, or the form came from another
        site or asks for what cannot be had.
    """
    if opening.shared or opening.masked or not state().shares.allowed:
        raise NotSharedError(404)
    lifetimes = _lifetimes(state().shares.longest)
    action, back = opening.addresses.of(".share"), opening.addresses.of(".call")
    if request.method != "POST":
        return render_template(
            "sipvault/share.html", page=SharePage(action, back, lifetimes)
        )
    if not _is_from_here():
        raise NotSharedError(403)
    given = request.form.get("seconds", "")
    chosen = next((each for each in lifetimes if str(each.seconds) == given), None)
    masked = request.form.get("masked")
    if chosen is None or masked not in ("0", "1"):
        raise NotSharedError(400)
    try:
        link, until = opening.share(seconds=chosen.seconds, masked=masked == "1")
    except CallIdError:
        raise NotSharedError(400) from None
    logger.info(
        "shared call %s of %s for %s, %s",
        opening.file_name,
        opening.customer_id,
        chosen.label,
        "masked" if masked == "1" else "whole",
    )
    page = SharePage(
        action, back, lifetimes, masked == "1", link, day(until * 1_000_000_000)
    )
    return render_template("sipvault/share.html", page=page)


def _lifetimes(longest: int) -> list[Lifetime]:
    """The usual lifetimes, and the longest that the settings allow."""
    allowed = sorted({*(each for each in _USUAL if each < longest), longest})
    return [Lifetime(each, _in_words(each)) for each in allowed]


def _in_words(seconds: int) -> str:
    if seconds < _DAY:
        return _("1 hour")
    days = seconds // _DAY
    return ngettext("{count} day", "{count} days", days).format(count=days)


def _is_from_here() -> bool:
    """Whether a form of ours was sent, and not one of another site. A browser tells by
    Sec-Fetch-Site, an old one by Origin; what tells neither is none.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
