"""Sharing a call: a form, the link that comes of it, and the links there are."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue

from ....access.links import CallIdError
from ....access.sharing import TooManyLinksError
from ....language import _
from ....language import ngettext
from ....vault.shared_links import SharedLink
from ...access import CallAccess
from ...errors import NotSharedError
from ...moments import day
from ...moments import Moment
from ...state import state

logger = logging.getLogger("flask_sipvault.dashboard")

#: What a link is revoked by.
_NAME = re.compile("[0-9a-f]{32}")

_HOUR = 3600
_DAY = 24 * _HOUR
_USUAL = (_HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a shared link may live."""

    seconds: int
    label: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A shared link that works.

    :param name: by which it is revoked; no secret.
    :param label: how its token begins.
    :param opened: when it was opened, in words.
    """

    name: str
    label: str
    masked: bool
    made: Moment
    until: Moment
    opened: str


@dataclass(frozen=True, slots=True)
class SharePage:
    """What ``sipvault/share.html`` is rendered with.

    :param action: where the form goes to.
    :param back: the call's page.
    :param whole: whether the whole call may be shared.
    :param links: those there are already.
    :param link: the link that was made; empty before.
    :param until: when that stops working.
    :param revoked: whether one was revoked just now.
    """

    action: str
    back: str
    lifetimes: list[Lifetime]
    whole: bool
    links: list[LinkRow]
    masked: bool = True
    revoked: bool = False
    link: str = ""
    until: Moment | None = None


def share(opening: CallAccess) -> ResponseReturnValue:
    """The form, and the links there are; posted, a shared link, or one less.

    :raises NotSharedError: where calls cannot be shared, or the form came from another
        site or asks for what cannot be had.
    """
    if opening.shared or opening.masked or not state().shares.allowed:
        raise NotSharedError(404)
    if request.method != "POST":
        return _page(opening)
    if not _is_from_here():
        raise NotSharedError(403)
    name = request.form.get("revoke")
    if name is not None:
        return _revoked(opening, name)
    return _shared(opening)


def _shared(opening: CallAccess) -> ResponseReturnValue:
    """A link made, as the form asks for it."""
    given = request.form.get("seconds", "")
    lifetimes = _lifetimes(state().shares.longest)
    chosen = next((each for each in lifetimes if str(each.seconds) == given), None)
    masked = request.form.get("masked")
    if chosen is None or masked not in ("0", "1"):
        raise NotSharedError(400)
    if masked == "0" and not state().may_share_whole:
        raise NotSharedError(400)
    try:
        link, until = opening.share(seconds=chosen.seconds, masked=masked == "1")
    except CallIdError:
        raise NotSharedError(400) from None
    except TooManyLinksError:
        raise NotSharedError(409) from None
    logger.info(
        "shared call %s of %s for %s, %s",
        opening.file_name,
        opening.customer_id,
        chosen.label,
        "masked" if masked == "1" else "whole",
    )
    return _page(opening, masked=masked == "1", link=link, until=_moment(until))


def _revoked(opening: CallAccess, name: str) -> ResponseReturnValue:
    """A link revoked; one that was revoked before is no error."""
    if not _NAME.fullmatch(name):
        raise NotSharedError(400)
    opening.revoke(name)
    logger.info(
        "revoked a shared link to call %s of %s", opening.file_name, opening.customer_id
    )
    return _page(opening, revoked=True)


def _page(opening: CallAccess, **changes: Any) -> ResponseReturnValue:
    page = SharePage(
        opening.addresses.of(".share"),
        opening.addresses.of(".call"),
        _lifetimes(state().shares.longest),
        state().may_share_whole,
        [_row(link, days) for link, days in opening.shared_links()],
        **changes,
    )
    return render_template("sipvault/share.html", page=page)


def _row(link: SharedLink, days: list[str]) -> LinkRow:
    opened = _("not opened yet")
    if days:
        opened = ngettext(
            "opened on {count} day, last on {day}",
            "opened on {count} days, last on {day}",
            len(days),
        ).format(count=len(days), day=days[-1])
    return LinkRow(
        link.name,
        link.label,
        link.masked,
        _moment(link.made),
        _moment(link.until),
        opened,
    )


def _moment(seconds: int) -> Moment:
    return day(seconds * 1_000_000_000)


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
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == request.host
    except ValueError:  # "http://[": no address at all, and so not ours
        return False
