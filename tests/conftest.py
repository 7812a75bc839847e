"""What every test may ask for: the recordings, and the tools that check us."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def missing_tool(reason: str) -> None:
    """Skip, saying why; where CI promised that everything is there, fail instead."""
    if os.environ.get("SIPVAULT_REQUIRE_TOOLS") == "1":
        pytest.fail(f"required tool missing: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need_tool() -> Callable[[str], str]:
    """The path of a program, or the test is skipped (in CI: fails)."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing_tool(f"{name} is not installed")
        assert path is not None
        return path

    return find


@pytest.fixture(scope="session")
def agent_corpus() -> Path:
    """The folder of recordings of the real agent."""
    return REPOSITORY / "tests" / "data" / "agent"


@pytest.fixture(scope="session")
def own_corpus() -> Path:
    """The folder of our own recordings of calls with several legs."""
    return REPOSITORY / "tests" / "data" / "own"


@pytest.fixture(scope="session")
def public_corpus() -> Path:
    """The folder of other people's captures, which the repository does not hold."""
    folder = REPOSITORY.parent / "shared" / "corpus" / "public"
    if not folder.is_dir():
        pytest.skip("the public captures are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def field_corpus() -> Path:
    """The folder of captures from the field, which the repository does not hold."""
    folder = REPOSITORY.parent / "shared" / "corpus" / "field"
    if not folder.is_dir():
        pytest.skip("the captures from the field are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def expected() -> Callable[[Path], dict[str, Any]]:
    """What tshark says of a capture: the ``.expected.json`` beside it."""

    def load(capture: Path) -> dict[str, Any]:
        path = capture.with_name(capture.name.split(".")[0] + ".expected.json")
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    return load
