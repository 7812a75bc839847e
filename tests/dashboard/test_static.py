"""The style sheet and the script, as far as they can be judged without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flask_sipvault.dashboard

STATIC = Path(flask_sipvault.dashboard.__file__).parent / "static"
CSS = (STATIC / "sipvault.css").read_text()

#: WCAG 2.2, success criterion 1.4.3.
READABLE = 4.5

INKS = ("ink", "mute", "accent", "good", "fair", "poor", "bad")
GROUNDS = ("bg", "card", "sel", "alarm", "notice", "mark")


def _colours() -> dict[str, tuple[str, str]]:
    pair = r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);"
    return {name: (light, dark) for name, light, dark in re.findall(pair, CSS)}


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", INKS)
def test_every_ink_is_readable_on_every_ground(
    ink: str, ground: str, theme: int
) -> None:
    colours = _colours()
    lights = sorted(
        (_luminance(colours[name][theme]) for name in (ink, ground)), reverse=True
    )
    assert (lights[0] + 0.05) / (lights[1] + 0.05) >= READABLE


def test_no_rule_reaches_the_hosts_own_elements() -> None:
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    rules = re.sub(r"@media[^{]*\{", "", rules)
    selectors = re.findall(r"([^{}]+)\{", rules)
    assert len(selectors) > 80
    for selector in selectors:
        for one in re.split(r",(?![^(]*\))", selector):
            assert re.search(r"\.sv-|\.sipvault", one), one


def test_the_files_load_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), file.name
