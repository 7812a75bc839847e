"""All that reads text off the wire takes time in proportion to the text's length."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

import pytest

from .families import FAMILIES
from .families import Family
from .families import FEW
from .measuring import growth
from .messages import call
from .messages import PLACES
from .readers import CALL_READERS
from .readers import MESSAGE_READERS
from .readers import Reader
from .readers import READERS
from .readers import STREAM_READERS
from .whole_path import open_everything


def _ways(readers: Mapping[str, Reader]) -> list[str]:
    """One name for each way of reading: several functions may share it."""
    return list({id(read): name for name, read in readers.items()}.values())


def _bad(
    work: Callable[[str], object], families: Mapping[str, Family], n: int
) -> dict[str, str]:
    """What is wrong, by the family that shows it."""
    found = {name: growth(work, text, n) for name, text in families.items()}
    return {name: problem for name, problem in found.items() if problem}


@pytest.mark.parametrize("name", _ways(READERS))
def test_a_text_is_read_in_linear_time(name: str) -> None:
    assert _bad(READERS[name], FAMILIES, 600) == {}


@pytest.mark.parametrize("name", _ways(STREAM_READERS))
def test_a_stream_in_small_pieces_is_read_in_linear_time(name: str) -> None:
    assert _bad(STREAM_READERS[name], FEW, 2000) == {}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", MESSAGE_READERS)
def test_a_message_is_read_in_linear_time(name: str, place: str) -> None:
    read, dress = MESSAGE_READERS[name][0], PLACES[place]
    assert _bad(lambda text: read(dress(text)), FAMILIES, 400) == {}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CALL_READERS)
def test_a_call_is_read_in_linear_time(name: str, place: str) -> None:
    read, dress = CALL_READERS[name][0], PLACES[place]
    assert _bad(lambda text: read(dress(text)), FEW, 400) == {}


@pytest.mark.parametrize("place", ["User-Agent", "From", "an attribute"])
def test_a_call_goes_its_whole_way_in_linear_time(place: str, tmp_path: Path) -> None:
    def read(text: str) -> None:
        folder = Path(mkdtemp(dir=tmp_path))
        answers = open_everything(folder, call(PLACES[place](text), text))
        assert set(answers.values()) <= {200, 404}, answers

    families = {name: FEW[name] for name in list(FEW)[::5]}
    assert _bad(read, families, 800) == {}
