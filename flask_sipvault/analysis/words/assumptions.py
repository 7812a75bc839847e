"""What figures of voice quality rest on, and why there are none, as sentences."""

from __future__ import annotations

from ...language import _
from ...language import N_
from ...language import ngettext
from ..media.places import Place
from ..media.quality import Note
from .text import quoted

_BEHIND = N_("What was lost behind the capture is not known.")

_PLACES: dict[Place, str] = {
    "direct": N_("RTP was measured where it was captured."),
    "caller": N_("RTP was measured on the caller's side."),
    "callee": N_("RTP was measured on the called side."),
    "between": N_("RTP was measured between the two sides."),
}

_NAMES: dict[Place, str] = {
    "direct": "",
    "caller": N_("on the caller's side"),
    "callee": N_("on the called side"),
    "between": N_("between the two sides"),
}

_E_MODEL = N_("MOS by the E-model, ITU-T {kind}: {values}.")

_SENTENCES = {
    "listener-lost-more": N_(
        "The listener reported {heard:.1f} % lost where the capture saw {seen:.1f} %:"
        " its reports count, for what is lost behind the capture is not seen there."
    ),
    "mos-reported": N_("The MOS is the one that the listener reported."),
    "agents-directions-unknown": N_(
        "The agent does not tell which direction is which."
    ),
    "agents-direction-by-loss": N_(
        "Which direction the agent means is told by the loss of the other."
    ),
    "jitter-buffer": N_(
        "The listener's jitter buffer is taken to hold twice the jitter, 40 ms at"
        " least, and to lose what comes later."
    ),
    "discards-reported": N_(
        "The listener itself reported how much its jitter buffer lost; it is taken to"
        " hold twice the jitter, 40 ms at least."
    ),
    "jitter-unknown": N_("Jitter is not known, and counts as none."),
    "delay-unknown": N_(
        "No round trip was measured, so that delay on the network counts as none: with"
        " delay the MOS would be lower."
    ),
    "delay": N_(
        "Delay is half the round trip, the jitter buffer, one packet, and the codec's"
        " look-ahead."
    ),
    "packet-length": N_("A packet is taken to hold 20 ms of speech."),
    "bursts-unknown": N_(
        "Losses are taken to be independent: nothing tells of their bursts."
    ),
    "burst-ratio": N_(
        "The burst ratio of the whole stream counts in each of its buckets, up to 2."
    ),
    # Of codecs, see media/emodel.py.
    "concealed": N_("The receiver is taken to conceal losses (G.711 appendix I)."),
    "not-concealed": N_("The receiver is taken not to conceal losses."),
    "bpl-of-annex-b": N_("Bpl is published with Annex B only, and taken from there."),
    "variant-assumed": N_(
        "This variant is assumed where the description names no other."
    ),
    "estimate-of-gsm-efr": N_(
        "An estimate: nothing is published of AMR, but this mode codes like GSM EFR."
    ),
    "both-ears": N_("Ie is that of listening with both ears."),
    "one-ear": N_("Ie is that of listening with one ear; no other is published."),
    "mode-assumed": N_(
        "12.65 kbit/s is assumed: no mode-set is described. Ie is that of listening"
        " with both ears."
    ),
    # Why there is no MOS.
    "no-mos-codec-unknown": N_("No MOS: nothing tells the codec."),
    "no-mos-codec-unpublished": N_(
        "No MOS: ITU-T G.113 publishes no value for {codec}, and none is made up."
    ),
    "no-mos-loss-unpublished": N_(
        "No MOS where packets were lost: ITU-T G.113 publishes no Bpl for {codec}."
    ),
    "no-mos-not-negotiated": N_(
        "No MOS: the listener had not agreed to payload type {payload_type}."
    ),
    "no-mos-astray": N_(
        "No MOS: the packets went to a private address, and nothing shows that anybody"
        " is there."
    ),
    "no-mos-agent-tells-no-loss": N_("No MOS: the agent tells no loss."),
}


def place_name(place: Place | None) -> str:
    """Where something was captured: ``on the caller's side``; "" for all of the way, or
    where nothing tells.
    """
    name = _NAMES[place] if place is not None else ""
    return _(name) if name else ""


def note_sentence(note: Note) -> str:
    """A note as a sentence in the reader's language."""
    parameters = dict(note.parameters)
    code = note.code
    if code.startswith("measured-only-at-"):
        place = _PLACES[_place(code)]
        return f"{_(place)} {_(_BEHIND)}"
    if code.startswith("measured-at-"):
        return _(_PLACES[_place(code)])
    if code == "agents-report":
        number = int(parameters["reports"])
        return ngettext(
            "An agent's report on {samples:,} packets; MOS was worked out anew from its"
            " loss and jitter.",
            "An agent's report on {samples:,} packets, the weightiest of {number}; MOS"
            " was worked out anew from its loss and jitter.",
            number,
        ).format(samples=parameters["samples"], number=number)
    if code.startswith("e-model-"):
        wideband = code == "e-model-wideband"
        kind = _("G.107.1, wideband") if wideband else "G.107"
        if "bpl" in parameters:
            values = _("{codec} with Ie {ie:g} and Bpl {bpl:g} ({source})")
        else:
            values = _("{codec} with Ie {ie:g} and no Bpl ({source})")
        return _(_E_MODEL).format(kind=kind, values=values.format(**parameters))
    if isinstance(parameters.get("codec"), str):
        parameters["codec"] = quoted(str(parameters["codec"]))
    return _(_SENTENCES[code]).format(**parameters)


def _place(code: str) -> Place:
    return next(place for place in _PLACES if code.endswith(f"-at-{place}"))
