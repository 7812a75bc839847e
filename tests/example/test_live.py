"""A call that comes in while one looks on."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.live import LiveCall
from example_app.live import LiveError

from ..ports import free_port


def test_a_call_that_an_agent_sends_appears_in_the_list_and_opens(
    app: Flask, client: FlaskClient, log_in: Callable[[str], FlaskClient]
) -> None:
    with LiveCall(app, port=free_port(), speed=10) as live:
        assert live.shown.wait(60)

    log_in("acme")
    assert live.call_id in client.get("/").text
    state = app.extensions["sipvault"]
    evidence = state.vault("acme").find(live.call_id)
    assert evidence.state == "COMPLETE"
    assert len(evidence.sip) == 7
    assert len(evidence.logs) == 6
    assert len(evidence.reports) == 1
    with app.test_request_context():
        address = state.url_for_call(live.call_id, "acme")
    assert live.call_id in client.get(address).text


def test_a_port_that_is_taken_is_named(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        live = LiveCall(app, port=taken.getsockname()[1])
        live._collector.wait(60)
        with pytest.raises(LiveError, match="SIPVAULT_LISTEN_TCP"), live:
            pass
