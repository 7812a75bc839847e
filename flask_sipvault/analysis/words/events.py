"""What happened in a call, event by event, in words."""

from __future__ import annotations

from ...language import _
from ...language import N_
from ..events import Event
from ..events import EventKind
from ..sip.sides import Side
from .text import duration
from .text import quoted

_SIDES: dict[Side, str] = {
    "caller": N_("by the caller"),
    "callee": N_("by the called side"),
}

#: Without what only some of them have; ``{by}`` is
#: ``by the caller`` or the like.
_WORDS: dict[EventKind, str] = {
    "hold": N_("on hold {by}"),
    "resume": N_("resumed {by}"),
    "transfer": N_("transfer to {target} {by}"),
    "replaced": N_("takes over the call {call_id}"),
    "codec-change": N_("codec changed from {before} to {codec} {by}"),
    "fax": N_("fax (T.38) instead of audio, {by}"),
    "session-refresh": N_("session refreshed {by} ({method})"),
    "dtmf": N_("digit {digit} {by}"),
    "early-media": N_("early media ({code})"),
    "fork-answered": N_("another side of the fork answered"),
}


def event_words(event: Event) -> str:
    """``on hold by the caller for 24 s``, ``transfer to 3001 by the caller: 200``."""
    values = {
        name: quoted(str(value)) if value is not None else "?"
        for name, value in event.parameters.items()
    }
    by = _(_SIDES[event.by]) if event.by is not None else _("by an unknown side")
    words = _(_WORDS[event.kind]).format(by=by, **values)
    if event.kind == "hold" and event.end_ts is not None:
        lasted = duration((event.end_ts - event.ts) / 1e6)
        words += " " + _("for {duration}").format(duration=lasted)
        if not event.parameters.get("resumed"):
            words += _(", not resumed")
    if event.kind == "transfer" and event.parameters.get("code") is not None:
        words += f": {values['code']}"
    return words


def event_line(event: Event, start: int) -> str:
    """An event with its time since the call's start, in ns: ``0:05.402 resumed by the
    caller``.
    """
    since = max(event.ts - start, 0)
    minutes, rest = divmod(since, 60_000_000_000)
    leg = f"{event.leg} " if event.leg else ""
    return f"{minutes}:{rest / 1e9:06.3f} {leg}{event_words(event)}"
