from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from flask_sipvault.analysis.ladder.ladder import Ladder
from flask_sipvault.analysis.ladder.ladder import Lifeline
from flask_sipvault.analysis.ladder.ladder import Row
from flask_sipvault.dashboard.panels.ladder.svg import CARD_WIDTH
from flask_sipvault.dashboard.panels.ladder.svg import draw
from flask_sipvault.dashboard.panels.ladder.svg import PAUSE_NS
from flask_sipvault.protocols.address import Endpoint


def _lifelines(count: int, label: str = "phone") -> list[Lifeline]:
    places = [Endpoint(f"192.0.2.{n}", 5060) for n in range(1, count + 1)]
    return [Lifeline(place, f"{label} {place.ip}", str(place), "") for place in places]


def _row(n: int, source: int, target: int, **how: object) -> Row:
    facts: dict[str, object] = {
        "label": "INVITE",
        "detail": "",
        "style": "request",
        "ts": n,
        "since_start_ns": n * 1_000_000,
        "delta_ns": 1_000_000 if n > 1 else 0,
        "retransmission": False,
    }
    return Row(n, source, target, **{**facts, **how})  # type: ignore[arg-type]


def _arrows(rows: str) -> list[tuple[float, float]]:
    found = re.findall(r'<line class="sv-arrow" x1="(\d+)" x2="(\d+)"', rows)
    return [(float(start), float(end)) for start, end in found]


def test_an_arrow_points_from_the_sender_to_the_receiver() -> None:
    drawn = draw(Ladder(_lifelines(2), [_row(1, 0, 1), _row(2, 1, 0)]))
    (there, back) = _arrows(drawn.rows)
    assert there[0] < there[1]
    assert back[0] > back[1]


def test_there_is_one_lifeline_for_each_address() -> None:
    drawn = draw(Ladder(_lifelines(4), [_row(1, 0, 3)]))
    assert drawn.rows.count('<line class="sv-life"') == 4
    assert drawn.heads.count('class="sv-who"') == 4
    assert "192.0.2.4:5060" in drawn.heads


@pytest.mark.parametrize(("lifelines", "scrolls"), [(1, False), (3, False), (6, True)])
def test_only_many_lifelines_are_wider_than_the_card(
    lifelines: int, scrolls: bool
) -> None:
    drawn = draw(Ladder(_lifelines(lifelines), [_row(1, 0, lifelines - 1)]))
    width = int(re.findall(r' width="(\d+)"', drawn.rows)[0])
    assert drawn.scrolls is scrolls
    assert (width > CARD_WIDTH) is scrolls


def test_a_row_says_all_of_itself_to_who_cannot_see_it() -> None:
    row = _row(2, 1, 0, label="200 OK", detail="SDP PCMU", style="success")
    drawn = draw(Ladder(_lifelines(2), [_row(1, 0, 1), row]))
    assert (
        'aria-label="200 OK from phone 192.0.2.2 to phone 192.0.2.1 at 0:00.002,'
        ' SDP PCMU"'
    ) in drawn.rows
    assert 'role="group" aria-label="SIP ladder, messages 1 to 2"' in drawn.rows


def test_a_long_silence_is_a_gap_with_its_length() -> None:
    rows = [_row(1, 0, 1), _row(2, 0, 1, delta_ns=PAUSE_NS)]
    drawn = draw(Ladder(_lifelines(2), rows))
    assert '<g class="sv-item sv-pause"' in drawn.rows
    assert ">10.00 s</text></g>" in drawn.rows
    without = draw(Ladder(_lifelines(2), [rows[0], _row(2, 0, 1)]))
    assert "sv-pause" not in without.rows


def test_a_message_to_oneself_is_a_loop() -> None:
    drawn = draw(Ladder(_lifelines(2), [_row(1, 1, 1)]))
    assert _arrows(drawn.rows) == []
    assert '<path class="sv-arrow"' in drawn.rows


def test_of_a_detail_that_does_not_fit_the_end_stays() -> None:
    detail = "SDP PCMU PCMA G722 G729 opus 192.0.2.1:16384 hold"
    drawn = draw(Ladder(_lifelines(4), [_row(1, 0, 1, detail=detail)]))
    shown = re.findall(r'<tspan class="sv-sub"[^>]*>([^<]*)', drawn.rows)[0]
    assert shown.startswith("SDP PCMU")
    assert shown.endswith("4 hold")
    assert len(shown) < len(detail)


def test_a_detail_without_room_beside_the_label_stands_under_the_arrow() -> None:
    rows = [
        _row(1, 0, 1, detail="SDP PCMU 198.51.100.23:17002"),
        _row(2, 0, 2, detail="SDP PCMU 198.51.100.23:17002"),
    ]
    drawn = draw(Ladder(_lifelines(3), rows))
    assert drawn.rows.count(">SDP PCMU 198.51.100.23:17002</tspan>") == 2
    assert re.findall(r'data-height="(\d+)"', drawn.rows) == ["42", "28"]


def test_hostile_names_stay_text_in_well_formed_svg() -> None:
    hostile = '</text><script>alert(1)</script>"\u202e\x00'
    row = _row(1, 0, 1, label=hostile, detail=hostile)
    drawn = draw(Ladder(_lifelines(2, hostile), [row]))
    for svg in (drawn.heads, drawn.rows):
        tags = {element.tag for element in ET.fromstring(svg).iter()}
        assert "script" not in tags
        assert "style=" not in svg.replace("&#34;", "")
