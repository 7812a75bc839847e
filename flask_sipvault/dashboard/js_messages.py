"""What the scripts of the page say to the reader."""

from __future__ import annotations

from ..language import _


def script_words() -> dict[str, str]:
    """By the names that ``static/words.js`` knows; it fills in what is in braces."""
    return {
        "auto": _("auto"),
        "callComplete": _("All of it is on this page now."),
        "callOver": _("The call is over."),
        "colours": _("Colours: {theme}"),
        "compare": _("Compare with …"),
        "compareWith": _("Compare with {n}"),
        "compared": _("Messages {left} and {right} side by side"),
        "comparing": _(
            "Comparing message {n}: choose another, then press c, or its button."
        ),
        "copied": _("Copied"),
        "copyByHand": _("Selected: press Ctrl+C"),
        "dark": _("dark"),
        "expired": _(
            "This link has expired. Open the call once more from the list of calls."
        ),
        "found": _("{some} of {all} messages fit"),
        "light": _("light"),
        "linesFound": _("{some} of {all} lines fit"),
        "live": _("The page asks for more by itself."),
        "liveAway": _("The server did not answer. The page goes on asking."),
        "liveExpired": _(
            "This link has expired, and no more comes by it. Open the call once more"
            " from the list of calls."
        ),
        "liveGone": _("The call is not stored any more."),
        "loading": _("Loading …"),
        "months": _("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
        "more": _("There is more of the call"),
        "moreAt": _(
            "More of the call came at {time}. The page asks for more by itself."
        ),
        "noneFound": _("No message fits this filter."),
        "timesLocal": _("Times are local"),
        "timesSince": _("Times are since the call's start"),
        "timesUtc": _("Times are UTC"),
        "unreachable": _("The server did not answer. Try again."),
        "zoneLocal": _("Local time"),
        "zoneSince": _("Since the start"),
        "zoneUtc": _("UTC"),
    }
