"""Captures that were made to stall a reader, on their whole way."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from .measuring import cost
from .measuring import FLOOR
from .measuring import MOST_TIMES
from .whole_path import CUSTOMER
from .whole_path import open_everything

_FOLDER = Path(__file__).parents[3] / "shared" / "corpus" / "hostile"

#: What makes a capture harmless, and no shorter.
_HARMLESS = {
    "ua-16000.pcap": (b"q.", b"q "),
    "one-60kB-segment-of-spaces.pcap": (b" ", b"x"),
}


def _go(data: bytes, folder: Path) -> None:
    items = read_capture(io.BytesIO(data))
    calls = import_capture(items, customer_id=CUSTOMER, source="hostile")
    for number, evidence in enumerate(calls):
        (folder / str(number)).mkdir(parents=True)
        answers = open_everything(folder / str(number), evidence)
        assert set(answers.values()) <= {200, 404}, answers


@pytest.fixture
def hostile() -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        path = _FOLDER / name
        if not path.is_file():
            pytest.skip("the hostile captures are not beside this checkout")
        return path.read_bytes()

    return read


@pytest.mark.parametrize("name", _HARMLESS)
def test_a_hostile_capture_costs_about_what_a_harmless_one_does(
    name: str, hostile: Callable[[str], bytes], tmp_path: Path
) -> None:
    data = hostile(name)
    harmless = data.replace(*_HARMLESS[name])
    assert len(harmless) == len(data)
    _go(harmless, tmp_path / "first")  # what is loaded only once does not count
    usual = cost(lambda: _go(harmless, tmp_path / "harmless"))
    assert cost(lambda: _go(data, tmp_path / "hostile")) <= MOST_TIMES * usual + FLOOR


def test_calls_full_of_markup_and_controls_go_their_whole_way(
    hostile: Callable[[str], bytes], tmp_path: Path
) -> None:
    _go(hostile("hostile.pcap"), tmp_path)
