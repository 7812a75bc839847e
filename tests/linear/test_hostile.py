"""Captures that were made to stall a reader, on their whole way."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from .measuring import cost
from .whole_path import CUSTOMER
from .whole_path import open_everything

_FOLDER = Path(__file__).parents[3] / "shared" / "corpus" / "hostile"

#: Each of them took forty seconds; what is linear takes a second or two for them all.
MOST_SECONDS = 15


@pytest.mark.parametrize(
    "name", ["ua-16000.pcap", "one-60kB-segment-of-spaces.pcap", "hostile.pcap"]
)
def test_a_hostile_capture_goes_its_whole_way(name: str, tmp_path: Path) -> None:
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip("the hostile captures are not beside this checkout")

    def go() -> None:
        with path.open("rb") as file:
            items = read_capture(file)
            calls = list(import_capture(items, customer_id=CUSTOMER, source=name))
        for number, evidence in enumerate(calls):
            folder = tmp_path / str(number)
            folder.mkdir()
            answers = open_everything(folder, evidence)
            assert set(answers.values()) <= {200, 404}, answers

    assert cost(go) < MOST_SECONDS
