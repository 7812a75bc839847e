"""``python -m example_app``."""

from __future__ import annotations

import socket

import pytest

from example_app.__main__ import main


def test_a_port_that_is_taken_is_named_with_the_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main([str(port)]) == 1
    complaint = capsys.readouterr().err
    assert f"127.0.0.1:{port}: Address already in use" in complaint
    assert "make demo PORT=5001" in complaint


@pytest.mark.parametrize(
    "arguments", [["http"], ["5000", "5001"], ["-1"], ["--live", "--live"]]
)
def test_wrong_arguments_get_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_port_that_does_not_exist_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["70000"]) == 1
    assert "Cannot listen on 127.0.0.1:70000" in capsys.readouterr().err
