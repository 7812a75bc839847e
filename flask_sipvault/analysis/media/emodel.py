"""What loss and delay do to speech: the E-model (ITU-T G.107, wideband G.107.1).

The rating R begins at its best, for a good handset in a quiet room, and what the codec,
losses and delay impair is taken off it. A codec has two figures, published in ITU-T
G.113: the equipment impairment factor Ie, for what it does to speech without any loss,
and the packet-loss robustness factor Bpl. Without a published Ie there is no rating,
and without a published Bpl there is none under loss: no figure is made up here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import replace
from typing import Literal

#: The rating with nothing but the defaults of G.107 (03/2005 and later):
#: Ro 94.77 - Is 1.41 - Id 0.15.
BEST_R = 93.2

#: The same of wideband (G.107.1), and by what it is brought to the scale of MOS.
BEST_WIDEBAND_R = 129.0
_WIDEBAND_SCALE = 1.29

#: A burst ratio is valid up to here, unless less than 2 % is lost (G.107).
MAX_BURST_RATIO = 2.0
_ANY_BURST_BELOW_PERCENT = 2.0

#: The least a jitter buffer holds, in ms, where its size is not known.
JITTER_BUFFER_MS = 40.0

_G113 = "ITU-T G.113 (11/2007), table I.4"
_G113_TABLE_1 = "ITU-T G.113 (11/2007), table I.1"


#: What is assumed of a codec, see :mod:`flask_sipvault.analysis.words.assumptions`.
ModelNote = Literal[
    "concealed",
    "not-concealed",
    "bpl-of-annex-b",
    "variant-assumed",
    "estimate-of-gsm-efr",
    "both-ears",
    "one-ear",
    "mode-assumed",
]


@dataclass(frozen=True, slots=True)
class Model:
    """What is published of a codec.

    :param name: the codec and its variant, for people.
    :param ie: Ie, of wideband Ie,wb.
    :param bpl: Bpl; None where none is published, so that loss cannot be rated.
    :param wideband: by G.107.1.
    :param look_ahead_ms: speech the coder waits for beyond its frame (RFC 3551).
    :param note: what is assumed; None where nothing is.
    :param source: where the figures come from.
    :param estimate: Ie and Bpl are those of another codec, which is its near relative.
    """

    name: str
    ie: float
    bpl: float | None
    source: str
    wideband: bool = False
    look_ahead_ms: float = 0.0
    note: ModelNote | None = None
    estimate: bool = False


_G711 = Model(
    "G.711",
    0,
    25.1,
    _G113,
    note="concealed",
)
_G711_UNCONCEALED = replace(_G711, bpl=4.3, note="not-concealed")
_G729 = Model("G.729A with Annex B", 11, 19.0, _G113, look_ahead_ms=5)
_G729_WITHOUT_B = Model(
    "G.729A without Annex B",
    10,
    19.0,
    _G113_TABLE_1,
    look_ahead_ms=5,
    note="bpl-of-annex-b",
)
_G723_HIGH = Model(
    "G.723.1 at 6.3 kbit/s with Annex A",
    15,
    16.1,
    _G113,
    look_ahead_ms=7.5,
    note="variant-assumed",
)
_G723_LOW = Model("G.723.1 at 5.3 kbit/s", 19, None, _G113_TABLE_1, look_ahead_ms=7.5)
_GSM_EFR = Model("GSM EFR", 5, 10.0, _G113)
_AMR_122 = replace(
    _GSM_EFR,
    name="AMR at 12.2 kbit/s",
    note="estimate-of-gsm-efr",
    estimate=True,
)

#: By SDP name in lower case, where a name alone tells.
_MODELS = {
    "g722": Model(
        "G.722 at 64 kbit/s", 13, None, "ITU-T G.113, as cited", wideband=True
    ),
    "g726-16": Model("G.726 at 16 kbit/s", 50, None, _G113_TABLE_1),
    "g726-24": Model("G.726 at 24 kbit/s", 25, None, _G113_TABLE_1),
    "g726-32": Model("G.726 at 32 kbit/s", 7, None, _G113_TABLE_1),
    "g726-40": Model("G.726 at 40 kbit/s", 2, None, _G113_TABLE_1),
    "g728": Model("G.728 at 16 kbit/s", 7, None, _G113_TABLE_1),
    "gsm": Model("GSM FR", 20, None, _G113_TABLE_1),
    "gsm-hr-08": Model("GSM HR", 23, None, _G113_TABLE_1),
    "gsm-efr": _GSM_EFR,
}

_BOTH_EARS: ModelNote = "both-ears"
_ONE_EAR: ModelNote = "one-ear"

#: Modes of AMR-WB by their number (RFC 4867 section 8.2): kbit/s, Ie,wb, Bpl.
_AMR_WB = {
    mode: Model(
        f"AMR-WB at {rate} kbit/s",
        ie,
        bpl,
        "ITU-T G.113 (09/2024) appendix IV",
        wideband=True,
        note=note,
    )
    for mode, rate, ie, bpl, note in (
        (0, "6.60", 56, None, _BOTH_EARS),
        (1, "8.85", 41, None, _BOTH_EARS),
        (2, "12.65", 20, 4.3, _BOTH_EARS),
        (3, "14.25", 10, None, _ONE_EAR),
        (4, "15.85", 17, None, _BOTH_EARS),
        (5, "18.25", 5, None, _ONE_EAR),
        (6, "19.85", 3, None, _ONE_EAR),
        (7, "23.05", 8, 4.6, _BOTH_EARS),
        (8, "23.85", 10, 4.9, _BOTH_EARS),
    )
}
_AMR_WB_ASSUMED = replace(
    _AMR_WB[2],
    note="mode-assumed",
)


def model(codec: str, *, fmtp: str = "", concealment: bool = True) -> Model | None:
    """What is published of a codec; None where nothing is.

    :param codec: its SDP name, in upper or lower case.
    :param fmtp: its parameters as ``a=fmtp`` has them, which tell variants apart:
        ``annexb=no``, ``bitrate=5.3``, ``mode-set=0,2``.
    :param concealment: whether the receiver of G.711 conceals losses.
    """
    name = codec.lower()
    parameters = _parameters(fmtp)
    if name in ("pcmu", "pcma"):
        return _G711 if concealment else _G711_UNCONCEALED
    if name in ("g729", "g729a"):
        # Annex B is on unless it is refused (RFC 4856 section 2.1.9).
        return _G729 if parameters.get("annexb") != "no" else _G729_WITHOUT_B
    if name == "g723":
        return _G723_LOW if parameters.get("bitrate") == "5.3" else _G723_HIGH
    if name == "amr":
        return _AMR_122 if _highest_mode(parameters) == 7 else None
    if name == "amr-wb":
        mode = _highest_mode(parameters)
        return _AMR_WB_ASSUMED if mode is None else _AMR_WB.get(mode)
    return _MODELS.get(name.removeprefix("aal2-"))


def _parameters(fmtp: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in fmtp.lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _highest_mode(parameters: dict[str, str]) -> int | None:
    """Of the modes of AMR that may be used; None where it is not said."""
    numbers = re.findall("[0-9]+", parameters.get("mode-set", ""))
    return max(map(int, numbers), default=None)


def r_factor(
    codec: str,
    *,
    loss_percent: float,
    delay_ms: float,
    burst_ratio: float = 1.0,
    fmtp: str = "",
    concealment: bool = True,
) -> float | None:
    """The rating R, 0 to 100; None where no value is published that it could rest on.

    That of a wideband codec is on the same scale: what G.107.1 gives, up to 129, is
    divided by 1.29. A call is not better for being narrow-band, so compare R only
    between calls of one kind.

    :param codec: its SDP name; ``fmtp`` and ``concealment`` as for :func:`model`.
    :param loss_percent: lost, or come too late for the jitter buffer.
    :param delay_ms: one way from mouth to ear.
    :param burst_ratio: 1 where losses are independent, more where they come together.
    """
    found = model(codec, fmtp=fmtp, concealment=concealment)
    if found is None:
        return None
    equipment = equipment_impairment(found, loss_percent, burst_ratio)
    if equipment is None:
        return None
    impairment = equipment + delay_impairment(delay_ms)
    if found.wideband:
        return max((BEST_WIDEBAND_R - impairment) / _WIDEBAND_SCALE, 0.0)
    return max(BEST_R - impairment, 0.0)


def equipment_impairment(
    model: Model, loss_percent: float, burst_ratio: float = 1.0
) -> float | None:
    """What codec and losses take off R (Ie,eff of G.107).

    :param burst_ratio: over 2 it is taken as 2, for the formula holds no further,
        unless less than 2 % is lost; under 1 it is taken as 1.
    :returns: None where something is lost and no Bpl is published.
    """
    loss = min(max(loss_percent, 0.0), 100.0)
    if loss == 0:
        return model.ie
    if model.bpl is None:
        return None
    burst = max(burst_ratio, 1.0)
    if loss >= _ANY_BURST_BELOW_PERCENT:
        burst = min(burst, MAX_BURST_RATIO)
    return model.ie + (95 - model.ie) * loss / (loss / burst + model.bpl)


def delay_impairment(delay_ms: float) -> float:
    """What delay takes off R (Id), by the approximation of Cole and Rosenbluth, 2001.

    :param delay_ms: one way from mouth to ear.
    """
    delay = max(delay_ms, 0.0)
    return 0.024 * delay + 0.11 * max(delay - 177.3, 0.0)


def mouth_to_ear_ms(
    *,
    round_trip_ms: float | None,
    jitter_ms: float | None,
    packet_ms: float | None,
    look_ahead_ms: float = 0.0,
) -> float:
    """The delay one way, as far as it is known: half the round trip, a jitter buffer of
    twice the jitter but 40 ms at least, the sound in a packet, the coder's look-ahead.

    What is None adds nothing, and whoever shows the result should say so.
    """
    buffer = max(JITTER_BUFFER_MS, 2 * (jitter_ms or 0.0))
    return (round_trip_ms or 0.0) / 2 + buffer + (packet_ms or 0.0) + look_ahead_ms


def mos(r: float) -> float:
    """The mean opinion score, 1 to 4.5, that a rating stands for (G.107 annex B).

    :param r: as :func:`r_factor` gives it, wideband or not.
    """
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # For R below 6.5 the polynomial dips under 1.
    return max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0)
