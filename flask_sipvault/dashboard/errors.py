"""What can go wrong on the way to a call, each in words that tell what to do next.

Browsers get a page in the dashboard's look, programs ``{"error": …, "detail": …}``.
No answer repeats a value of the link, and none tells whether a customer exists: an
unknown one and a wrong signature look the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from datetime import datetime
from datetime import timezone

from flask import jsonify
from flask import render_template
from flask import Response

from ..access.links import LinkError
from ..access.links import Reason
from ..language import _
from ..language import N_
from ..sanitize import on_one_line
from ..sipp import NoScriptError
from .negotiation import wants_json

#: OpenSIPS keeps Call-IDs in ``acc.callid``, a CHAR(64), and cuts longer ones silently.
ACC_CALL_ID_LENGTH = 64

#: Seconds after which a client may ask again while the store is down.
RETRY_AFTER = 30

#: The same while as many calls are being opened as may be.
RETRY_AFTER_BUSY = 2


class CallNotFoundError(Exception):
    """Nothing is stored for this customer and Call-ID within the look-back.

    :param stored_on: the UTC day of the call's newest part, if it is stored, but longer
        ago than the look-back.
    """

    def __init__(
        self, call_id: str, lookback_days: int, stored_on: date | None = None
    ) -> None:
        super().__init__("Call not found")
        self.call_id = call_id
        self.lookback_days = lookback_days
        self.stored_on = stored_on


class MessageNotFoundError(Exception):
    """The call has no message of the number that was asked for."""

    def __init__(self, count: int) -> None:
        super().__init__("Message not found")
        self.count = count


class NoEntryError(Exception):
    """The catalogue of findings has no such entry."""


class LegNotFoundError(Exception):
    """What shall be seen beside the call is not noted as a leg of it."""


class NotSharedError(Exception):
    """The call is not shared.

    :param status: 404 where sharing is off, 403 where another site asked for it, 400
        where it was asked for something that cannot be had, 409 where there are as many
        links as may be.
    """

    def __init__(self, status: int) -> None:
        super().__init__("Not shared")
        self.status = status


class BusyError(Exception):
    """As many calls are being opened as may be opened at a time."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error page.

    :param error: the error's name, for programs and for support.
    :param title: what happened, in words for the operator.
    :param detail: what to do next.
    :param causes: what else it may be, the likeliest first.
    :param call_id: the Call-ID of a genuine link, to be compared with the CDR.
    """

    status: int
    error: str
    title: str
    detail: str
    causes: tuple[str, ...] = ()
    call_id: str = ""


_TITLES: dict[Reason, str] = {
    "missing_signature": N_("This link is not complete."),
    "bad_parameter": N_("This link is not well formed."),
    "invalid_signature": N_("This link could not be verified."),
    "expired": N_("This link has expired."),
    "clock_ahead": N_("The clocks of the two servers differ."),
    "hash_mismatch": N_("This link speaks of two different calls."),
    "invalid_click": N_("This button does not open a call for you."),
    "click_expired": N_("The list of calls was open for too long."),
    "invalid_share": N_("This shared link does not open a call."),
    "share_expired": N_("This shared link has expired."),
    "share_revoked": N_("This shared link was revoked."),
}

_CAUSES: dict[Reason, tuple[str, ...]] = {
    "missing_signature": (
        N_(
            "The address was copied by hand, or a chat or mail program broke it at the"
            " &."
        ),
        N_("The program that makes the links leaves out the parameter sig."),
    ),
    "bad_parameter": (
        N_(
            "The program that makes the links leaves out a parameter, or does not"
            " percent-encode the Call-ID."
        ),
        N_("The CDR row has no Call-ID, or the viewer reads it from the wrong field."),
    ),
    "invalid_signature": (
        N_(
            "SIPVAULT_HMAC_SECRET is not, character for character, the same in the link"
            " generator and on this server."
        ),
        N_("A space or a line end got into the secret on one of the two sides."),
        N_(
            "The secret was changed and only one of the two sides knows the new one:"
            " list both here, the new one first."
        ),
        N_(
            "The Call-ID was encoded twice, or decoded before it was signed: a %, a +"
            " or a / in it is the usual trap."
        ),
    ),
    "expired": (
        N_(
            "A link works in the hour it was made and in the next. It was in a"
            " bookmark, a ticket, or a list that stayed open."
        ),
        N_(
            "If a fresh click leads here too, the clock of the CDR viewer's server is"
            " slow: check NTP on both (chronyc tracking)."
        ),
    ),
    "clock_ahead": (
        N_("The CDR viewer's server is more than an hour ahead of this one."),
        N_(
            "Neither the link nor the secret is wrong: once the clocks agree, a click"
            " works."
        ),
    ),
    "invalid_share": (
        N_(
            "It was revoked, or the key of shared links was changed, or sharing was"
            " switched off."
        ),
        N_(
            "The address was cut short or changed on its way: a chat or mail program"
            " may have broken it."
        ),
    ),
    "hash_mismatch": (
        N_("The address was changed by hand."),
        N_(
            "The link generator hashes something else than the Call-ID it signs: the"
            " path wants the first 16 hex digits of the SHA-256 of the Call-ID alone."
        ),
    ),
}


def of_link(error: LinkError) -> Problem:
    """The page of a link, or of a click, that does not open a call."""
    return Problem(
        error.status,
        error.message,
        _(_TITLES[error.reason]),
        _(error.detail),
        tuple(_(cause) for cause in _CAUSES.get(error.reason, ())),
    )


def of_missing_call(error: CallNotFoundError) -> Problem:
    """The page of a genuine link to a call that is not in the vault."""
    if error.stored_on is not None:
        return _of_old_call(error, error.stored_on)
    causes = [
        _(
            "The Call-ID in the CDR is not the whole Call-ID header of the INVITE, or"
            " it is the number of the record."
        ),
        _(
            "The call is still up: it is written once it has ended. Try again a minute"
            " after the BYE."
        ),
        _(
            "The capture agent was not running, or had lost its connection to the"
            " collector, while the call was made."
        ),
        _("It was deleted: what is old is pruned from the vault."),
    ]
    if len(error.call_id) == ACC_CALL_ID_LENGTH:
        causes.insert(
            0,
            _(
                "This Call-ID is exactly 64 characters long. OpenSIPS cuts longer ones"
                " to that length: its column acc.callid is a CHAR(64). Have it widened"
                " (ALTER TABLE acc MODIFY callid VARCHAR(255)); rows already cut stay"
                " cut."
            ),
        )
    return Problem(
        404,
        "Call not found",
        _("Call not found"),
        _(
            "The link is genuine, but nothing is stored for this call. Check the likely"
            " causes from the top."
        ),
        tuple(causes),
        call_id=on_one_line(error.call_id),
    )


def _of_old_call(error: CallNotFoundError, stored_on: date) -> Problem:
    age = (datetime.now(timezone.utc).date() - stored_on).days
    return Problem(
        404,
        "Call not found",
        _("This call is too old to be shown."),
        _(
            "It is stored, but {age} days old: the last of it is of {day} (UTC). Calls"
            " of the last {days} days are shown here (SIPVAULT_LOOKBACK_DAYS)."
        ).format(age=age, day=stored_on, days=error.lookback_days),
        (
            _(
                "Whoever runs the server can raise SIPVAULT_LOOKBACK_DAYS, or set it to"
                " 0 for no limit."
            ),
            _(
                "On the server, flask sipvault show --since {day} prints the call as it"
                " is."
            ).format(day=stored_on),
        ),
        call_id=on_one_line(error.call_id),
    )


def of_missing_message(error: MessageNotFoundError) -> Problem:
    """The page of a genuine link that asks for messages that the call does not have."""
    return Problem(
        404,
        "Message not found",
        _("This call has no such message."),
        _(
            "Its messages have the numbers 1 to {count}. Go back to the call and choose"
            " two of them."
        ).format(count=error.count),
    )


def of_missing_entry() -> Problem:
    """The page of an unknown finding."""
    return Problem(
        404,
        "no such finding",
        _("There is no finding of this name."),
        _("The catalogue of findings at /sipvault/findings lists all there are."),
    )


def of_missing_leg() -> Problem:
    """The page of a genuine link to a call and something that is no leg of it."""
    return Problem(
        404,
        "leg not found",
        _("This is not known as a leg of the call."),
        _(
            "Only what the vault notes as a leg of a call is shown beside it. Open the"
            " call by itself; it lists the legs there are."
        ),
        (
            _("The address was put together by hand."),
            _("The note of the leg was pruned from the vault."),
        ),
    )


def of_sharing(error: NotSharedError) -> Problem:
    """The page of a call that is not shared."""
    if error.status == 404:
        return Problem(
            404,
            "not shared",
            _("Calls cannot be shared here."),
            _(
                "Sharing is off. Whoever runs the server can switch it on by"
                " SIPVAULT_SHARE_MAX_DAYS and SIPVAULT_SHARE_KEY."
            ),
        )
    if error.status == 403:
        return Problem(
            403,
            "foreign form",
            _("The request to share came from another site."),
            _(
                "Nothing was shared or revoked. Open the call from the CDR viewer, and"
                " share it from its page."
            ),
        )
    if error.status == 409:
        return Problem(
            409,
            "too many links",
            _("There are as many shared links to this call as there may be."),
            _("Nothing was shared. Go back and revoke one that is no longer needed."),
        )
    return Problem(
        400,
        "not shared",
        _("The call could not be shared like that."),
        _("Nothing was shared. Go back to the call and choose one of the lifetimes."),
    )


def of_missing_scenario(error: NoScriptError) -> Problem:
    """The page of a scenario that cannot be written."""
    return Problem(
        404,
        "no scenario",
        _("There is no scenario of this side of the call."),
        _(
            "A scenario begins with the call's INVITE, and {error}. If the capture"
            " began after it, or the call is on record at another place too, try the"
            " other side."
        ).format(error=error),
    )


def of_store() -> Problem:
    """The page of a call whose store cannot be asked."""
    return Problem(
        503,
        "store unreachable",
        _("The vault cannot be reached at the moment."),
        _(
            "Whether the call is stored is not known. Reload this page in half a"
            " minute; if it stays like this, tell whoever runs the server."
        ),
        (
            _("The object store, or the network to it, is down."),
            _(
                "Its keys or its bucket were changed: flask sipvault doctor tells"
                " which."
            ),
        ),
    )


def of_busy() -> Problem:
    """The page of a call that is not opened now: SIPVAULT_MAX_CONCURRENT."""
    return Problem(
        503,
        "busy",
        _("Many calls are being opened at the moment."),
        _(
            "Nothing is wrong with the link. Reload this page in a few seconds; if it"
            " often says this, tell whoever runs the server."
        ),
    )


def of_failures() -> Problem:
    """The page of one more link that does not open a call, after many of them."""
    return Problem(
        429,
        "too many failures",
        _("Too many links from your address did not open a call."),
        _(
            "This one does not either, and for a moment it is not told why. A genuine"
            " link still works."
        ),
    )


def of_method() -> Problem:
    """The page of an address that was not asked to be read."""
    return Problem(
        405,
        "method not allowed",
        _("This address can only be read."),
        _("Open it with GET: nothing here can be changed."),
    )


def of_bug() -> Problem:
    """The page that could not be made."""
    return Problem(
        500,
        "internal error",
        _("Something went wrong while this page was made."),
        _(
            "It is our fault, not yours. Reload once; if it happens again, the server's"
            " log says what it was, at this minute. The capture may still download."
        ),
    )


def answer(problem: Problem, *, for_programs: bool = False) -> Response:
    """The problem as a page, or as JSON for a client that would rather have that.

    :param for_programs: JSON unless the client asks for a page, instead of a page
        unless it asks for JSON.
    """
    if wants_json(for_programs=for_programs):
        response = jsonify(error=problem.error, detail=problem.detail)
    else:
        response = Response(
            render_template("sipvault/error.html", problem=problem),
            mimetype="text/html",
        )
    response.status_code = problem.status
    response.vary.add("Accept")
    return response
