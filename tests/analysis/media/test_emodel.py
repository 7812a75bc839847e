"""The E-model, against the numbers that are published and those computed from it.

Of the figures here those marked ``published`` stand in ITU-T G.107, G.109 or G.113, or
in the literature that cites them; the others follow from the formulas.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.media.emodel import delay_impairment
from flask_sipvault.analysis.media.emodel import equipment_impairment
from flask_sipvault.analysis.media.emodel import Model
from flask_sipvault.analysis.media.emodel import model
from flask_sipvault.analysis.media.emodel import mos
from flask_sipvault.analysis.media.emodel import mouth_to_ear_ms
from flask_sipvault.analysis.media.emodel import r_factor

CODECS = ("PCMU", "G729", "G723", "GSM-EFR", "G722", "AMR-WB", "G726-32", "opus")

percentages = st.floats(0, 100)
delays = st.floats(0, 2000)


def as_printed(value: float, printed: str) -> bool:
    """Whether a value agrees with a number to the precision it is printed in."""
    _, _, decimals = printed.partition(".")
    return abs(value - float(printed)) <= 0.5 * 10 ** -len(decimals) + 1e-9


def found(codec: str, *, fmtp: str = "", concealment: bool = True) -> Model:
    got = model(codec, fmtp=fmtp, concealment=concealment)
    assert got is not None
    return got


#: By the heading of the table of test vectors.
VARIANTS = {
    "G.711 noPLC": found("PCMU", concealment=False),
    "G.711 PLC": found("PCMA"),
    "G.729A+VAD": found("G729"),
    "G.723.1": found("G723"),
    "GSM-EFR": found("GSM-EFR"),
}


@pytest.mark.parametrize(
    ("r", "expected"),
    [
        (93.2, "4.4093"),  # published
        (90, "4.339"),  # published
        (80, "4.024"),  # published
        (70, "3.597"),  # published
        (60, "3.100"),  # published
        (50, "2.575"),  # published
        (100, "4.5"),  # published
        (93.2, "4.41"),  # published: G.107's default
        (90, "4.34"),  # published: the classes of G.109
        (80, "4.02"),  # published
        (70, "3.60"),  # published
        (60, "3.10"),  # published
        (50, "2.58"),  # published
        (0, "1"),
        (-20, "1"),
        (140, "4.5"),
    ],
)
def test_a_rating_stands_for_the_opinion_that_g_107_gives(
    r: float, expected: str
) -> None:
    assert as_printed(mos(r), expected)


@pytest.mark.parametrize(
    ("delay", "impairment", "opinion"),
    [
        (50, "1.2", "4.385"),
        (100, "2.4", "4.358"),
        (150, "3.6", "4.329"),
        (177.3, "4.26", "4.312"),
        (200, "7.3", "4.226"),
        (300, "20.7", "3.712"),
        (400, "34.1", "3.053"),
        (500, "47.5", "2.351"),
    ],
)
def test_delay_impairs_what_no_codec_does(
    delay: float, impairment: str, opinion: str
) -> None:
    assert as_printed(delay_impairment(delay), impairment)
    rating = r_factor("PCMU", loss_percent=0, delay_ms=delay)
    assert rating is not None
    assert as_printed(mos(rating), opinion)


@pytest.mark.parametrize(
    ("variant", "loss", "expected"),
    [
        ("G.711 noPLC", 0, "0"),
        ("G.711 noPLC", 1, "17.9"),  # published
        ("G.711 noPLC", 2, "30.2"),  # published
        ("G.711 noPLC", 3, "39.0"),
        ("G.711 noPLC", 5, "51.1"),
        ("G.711 noPLC", 8, "61.8"),
        ("G.711 noPLC", 10, "66.4"),
        ("G.711 noPLC", 16, "74.9"),
        ("G.711 PLC", 0, "0"),
        ("G.711 PLC", 1, "3.6"),
        ("G.711 PLC", 2, "7.0"),  # published
        ("G.711 PLC", 3, "10.1"),
        ("G.711 PLC", 5, "15.8"),
        ("G.711 PLC", 8, "23.0"),
        ("G.711 PLC", 10, "27.1"),  # published
        ("G.711 PLC", 16, "37.0"),
        ("G.729A+VAD", 0, "11"),
        ("G.729A+VAD", 1, "15.2"),
        ("G.729A+VAD", 2, "19.0"),  # published
        ("G.729A+VAD", 3, "22.5"),
        ("G.729A+VAD", 5, "28.5"),
        ("G.729A+VAD", 8, "35.9"),  # published
        ("G.729A+VAD", 10, "40.0"),
        ("G.729A+VAD", 16, "49.4"),  # published
        ("G.723.1", 0, "15"),
        ("G.723.1", 1, "19.7"),
        ("G.723.1", 2, "23.8"),
        ("G.723.1", 3, "27.6"),
        ("G.723.1", 5, "34.0"),
        ("G.723.1", 8, "41.6"),
        ("G.723.1", 10, "45.7"),
        ("G.723.1", 16, "54.9"),
        ("GSM-EFR", 0, "5"),
        ("GSM-EFR", 1, "13.2"),
        ("GSM-EFR", 2, "20.0"),
        ("GSM-EFR", 3, "25.8"),
        ("GSM-EFR", 5, "35.0"),  # published
        ("GSM-EFR", 8, "45.0"),
        ("GSM-EFR", 10, "50.0"),
        ("GSM-EFR", 16, "60.4"),
    ],
)
def test_loss_impairs_as_the_codec_bears_it(
    variant: str, loss: float, expected: str
) -> None:
    value = equipment_impairment(VARIANTS[variant], loss)
    assert value is not None
    assert as_printed(value, expected)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("G.711 noPLC", "35.8"),  # published
        ("G.711 PLC", "7.3"),  # published
    ],
)
def test_losses_in_bursts_impair_more(variant: str, expected: str) -> None:
    value = equipment_impairment(VARIANTS[variant], 2, 2)
    assert value is not None
    assert as_printed(value, expected)


@pytest.mark.parametrize(
    ("codec", "concealment", "opinions"),
    [
        ("PCMU", False, ("4.385", "3.782", "3.195", "2.110", "1.436")),
        ("PCMU", True, ("4.385", "4.297", "4.198", "3.873", "3.351")),
        ("G729", True, ("4.061", "3.898", "3.734", "3.279", "2.682")),
        ("G723", True, ("3.906", "3.704", "3.510", "2.998", "2.385")),
        ("GSM-EFR", True, ("4.259", "3.979", "3.689", "2.944", "2.163")),
    ],
)
def test_loss_and_delay_together(
    codec: str, concealment: bool, opinions: tuple[str, ...]
) -> None:
    for loss, expected in zip((0, 1, 2, 5, 10), opinions, strict=True):
        rating = r_factor(
            codec, loss_percent=loss, delay_ms=50, concealment=concealment
        )
        assert rating is not None
        assert as_printed(mos(rating), expected)


@pytest.mark.parametrize(
    ("codec", "rating", "opinion"),
    [
        ("G729", 70.5, 3.62),  # published
        ("PCMU", 82.5, 4.12),  # published
    ],
)
def test_the_published_example_of_2_percent_and_150_ms(
    codec: str, rating: float, opinion: float
) -> None:
    # There Id is G.107's own, 3.8; the approximation has 3.6.
    value = r_factor(codec, loss_percent=2, delay_ms=150)
    assert value is not None
    assert value == pytest.approx(rating, abs=0.25)
    assert mos(value) == pytest.approx(opinion, abs=0.012)


@pytest.mark.parametrize(
    ("ie", "opinion"),
    [
        (0, "4.5"),
        (1, "4.4940"),
        (8, "4.4206"),
        (13, "4.3371"),
        (41, "3.5123"),
        (56, "2.9220"),
    ],
)
def test_a_wideband_rating_is_brought_to_the_scale_of_opinions(
    ie: float, opinion: str
) -> None:
    assert as_printed(mos((129 - ie) / 1.29), opinion)


@pytest.mark.parametrize(
    ("codec", "fmtp", "opinion"),
    [
        ("G722", "", "4.3371"),
        ("AMR-WB", "mode-set=7", "4.4206"),
        ("AMR-WB", "mode-set=0,1", "3.5123"),
        ("AMR-WB", "octet-align=1; mode-set=0", "2.9220"),
    ],
)
def test_a_wideband_codec_without_loss(codec: str, fmtp: str, opinion: str) -> None:
    rating = r_factor(codec, loss_percent=0, delay_ms=0, fmtp=fmtp)
    assert rating is not None
    assert as_printed(mos(rating), opinion)
    assert found(codec, fmtp=fmtp).wideband


def test_amr_wb_at_12_65_under_2_percent_of_loss() -> None:
    assert equipment_impairment(found("AMR-WB"), 2) == pytest.approx(43.8095, abs=5e-5)
    rating = r_factor("AMR-WB", loss_percent=2, delay_ms=0)
    assert rating is not None
    assert as_printed(mos(rating), "3.4062")


def test_what_mode_of_amr_wb_is_assumed_is_said() -> None:
    assert found("AMR-WB").note == "mode-assumed"
    assert found("AMR-WB", fmtp="mode-set=2").note == "both-ears"


@pytest.mark.parametrize("codec", ["opus", "iLBC", "AMR", "EVS", "telephone-event", ""])
def test_without_published_values_there_is_no_rating(codec: str) -> None:
    assert model(codec) is None
    assert r_factor(codec, loss_percent=0, delay_ms=50) is None


@pytest.mark.parametrize("codec", ["G722", "GSM", "G728", "G726-32", "AAL2-G726-32"])
def test_without_a_published_bpl_there_is_none_under_loss(codec: str) -> None:
    assert r_factor(codec, loss_percent=0, delay_ms=50) is not None
    assert r_factor(codec, loss_percent=0.1, delay_ms=50) is None


def test_amr_at_12_2_is_an_estimate_and_says_so() -> None:
    estimate = found("AMR", fmtp="octet-align=1;mode-set=0,2,7")
    assert (estimate.ie, estimate.bpl, estimate.estimate) == (5, 10.0, True)
    assert estimate.note == "estimate-of-gsm-efr"
    assert model("AMR", fmtp="mode-set=0,2") is None


@pytest.mark.parametrize(
    ("codec", "fmtp", "ie", "bpl"),
    [
        ("G729", "", 11, 19.0),
        ("G729", "annexb=yes", 11, 19.0),
        ("g729", "AnnexB = No", 10, 19.0),
        ("G723", "bitrate=6.3;annexa=yes", 15, 16.1),
        ("G723", "bitrate=5.3", 19, None),
    ],
)
def test_the_variant_of_a_codec_follows_from_its_parameters(
    codec: str, fmtp: str, ie: float, bpl: float | None
) -> None:
    got = found(codec, fmtp=fmtp)
    assert (got.ie, got.bpl) == (ie, bpl)


def test_a_bpl_that_is_taken_from_elsewhere_is_said() -> None:
    assert found("G729", fmtp="annexb=no").note == "bpl-of-annex-b"
    assert not found("G729").note


def test_whether_losses_are_concealed_is_said() -> None:
    assert found("PCMU").note == "concealed"
    assert found("PCMU", concealment=False).note == "not-concealed"


def test_a_burst_ratio_holds_up_to_2_unless_little_is_lost() -> None:
    g711 = found("PCMU")
    assert equipment_impairment(g711, 5, 9) == equipment_impairment(g711, 5, 2)
    assert equipment_impairment(g711, 1, 9) != equipment_impairment(g711, 1, 2)
    assert equipment_impairment(g711, 5, 0.5) == equipment_impairment(g711, 5)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ((None, None, None), 40),
        ((100.0, 2.5, 20.0), 50 + 40 + 20),
        ((100.0, 30.0, 20.0), 50 + 60 + 20),
    ],
)
def test_the_delay_is_half_the_round_trip_a_jitter_buffer_and_a_packet(
    measured: tuple[float | None, float | None, float | None], expected: float
) -> None:
    round_trip, jitter, packet = measured
    delay = mouth_to_ear_ms(
        round_trip_ms=round_trip, jitter_ms=jitter, packet_ms=packet
    )
    assert delay == expected


def test_a_coder_that_looks_ahead_delays_too() -> None:
    look_ahead = found("G729").look_ahead_ms
    assert look_ahead == 5
    delay = mouth_to_ear_ms(
        round_trip_ms=0.0, jitter_ms=0.0, packet_ms=20.0, look_ahead_ms=look_ahead
    )
    assert delay == 65


@given(st.floats(-1000, 1000))
def test_an_opinion_is_between_1_and_4_and_a_half(r: float) -> None:
    assert 1 <= mos(r) <= 4.5


@given(st.sampled_from(CODECS), percentages, percentages, delays, delays)
def test_more_loss_or_delay_is_never_better(
    codec: str, loss: float, more_loss: float, delay: float, more_delay: float
) -> None:
    loss, more_loss = sorted((loss, more_loss))
    delay, more_delay = sorted((delay, more_delay))
    good = r_factor(codec, loss_percent=loss, delay_ms=delay)
    bad = r_factor(codec, loss_percent=more_loss, delay_ms=more_delay)
    if good is not None and bad is not None:
        assert 0 <= bad <= good <= 100
        assert mos(bad) <= mos(good)
