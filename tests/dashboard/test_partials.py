"""The pieces of a call's page, and the ways to see it without any script."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import small_call
from .calls import words
from .conftest import Keep
from .conftest import Recorded

PIECES = ["ladder", "messages", "logs"]


def _get(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.text


def _rows(markup: str) -> list[int]:
    """The messages whose rows are drawn."""
    return [int(n) for n in re.findall(r'<a class="sv-row [^"]*" id="r(\d+)"', markup)]


def _messages(markup: str) -> list[int]:
    return [
        int(n)
        for n in re.findall(r'<details class="sv-msg [^>]* data-n="(\d+)"', markup)
    ]


@pytest.fixture
def long_call() -> Evidence:
    """Of 450 messages, no four like each other in a row."""
    return Evidence(
        CUSTOMER,
        "call@host",
        sip=[
            packet(
                f"SIP/2.0 {200 + n * n % 97} Fine",
                after_ms=n * 1000,
                headers=f"X-Number: number-{n}\r\n",
            )
            for n in range(1, 451)
        ],
    )


class TestALongCall:
    def test_comes_with_its_first_stretch_and_links_to_the_others(
        self, client: FlaskClient, keep: Keep, long_call: Evidence
    ) -> None:
        page = _get(client, keep(long_call))
        assert _rows(page) == _messages(page) == list(range(1, 201))
        links = re.findall(r'<a href="([^"]+)">Messages 401 to 450</a>', page)
        assert len(links) == 2
        other = _get(client, html.unescape(links[0]))
        assert _rows(other) == _messages(other) == list(range(401, 451))

    @pytest.mark.parametrize(
        ("asked", "first"), [(1, 1), (200, 1), (201, 201), (9999, 401)]
    )
    def test_gives_the_stretch_that_holds_a_message(
        self,
        asked: int,
        first: int,
        client: FlaskClient,
        keep: Keep,
        long_call: Evidence,
    ) -> None:
        link = f"{keep(long_call)}&from={asked}"
        assert _rows(_get(client, file_of(link, "ladder")))[0] == first
        assert _messages(_get(client, file_of(link, "messages")))[0] == first

    def test_says_how_high_what_is_not_drawn_will_be(
        self, client: FlaskClient, keep: Keep, long_call: Evidence
    ) -> None:
        link = keep(long_call)
        before = _get(client, file_of(link, "ladder"))
        said = re.findall(r'data-first="201"[^>]* data-height="(\d+)"', before)
        after = _get(client, file_of(f"{link}&from=201", "ladder"))
        assert re.findall(r'class="sv-rungs" width="\d+" height="(\d+)"', after) == said

    def test_is_searched_whole(
        self, client: FlaskClient, keep: Keep, long_call: Evidence
    ) -> None:
        page = _get(client, f"{keep(long_call)}&find=number-33")
        assert _rows(page) == _messages(page) == [33, *range(330, 340)]
        assert "11 of 450 messages fit “number-33”" in words(page)


@pytest.fixture
def monotonous_call() -> Evidence:
    """The same message 300 times, and then another."""
    infos = [packet("INFO sip:b SIP/2.0", after_ms=n * 1000) for n in range(300)]
    for n, info in enumerate(infos):
        branch = f"z9hG4bK{n}".encode()
        info.payload = info.payload.replace(b"z9hG4bK1", branch)
    last = packet("BYE sip:b SIP/2.0", after_ms=300_000)
    return Evidence(CUSTOMER, "call@host", sip=[*infos, last])


class TestWhatComesAgainAndAgain:
    def test_is_shown_once_with_a_link_to_the_rest(
        self, client: FlaskClient, keep: Keep, monotonous_call: Evidence
    ) -> None:
        page = _get(client, keep(monotonous_call))
        assert _rows(page) == _messages(page) == [1, 301]
        text = "The message above 299 times more, until 4:59.000"
        assert text in words(page)
        links = re.findall(r'class="sv-repeatlink" href="([^"#]+)#r1"', page)
        assert len(links) == 2
        assert len(_rows(_get(client, html.unescape(links[0])))) == 200

    def test_is_shown_where_one_of_those_is_asked_for(
        self, client: FlaskClient, keep: Keep, monotonous_call: Evidence
    ) -> None:
        page = _get(client, f"{keep(monotonous_call)}&from=250")
        assert _rows(page) == list(range(201, 302))

    def test_is_searched_all_the_same(
        self, client: FlaskClient, keep: Keep, monotonous_call: Evidence
    ) -> None:
        page = _get(client, f"{keep(monotonous_call)}&find=z9hG4bK29")
        assert _rows(page) == [30, *range(291, 301)]


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_opens_by_the_same_signature_only(
    piece: str, client: FlaskClient, keep: Keep
) -> None:
    link = file_of(keep(small_call()), piece)
    response = client.get(link)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    assert (
        "script" not in response.headers["Content-Security-Policy"].split("'none'")[0]
    )
    assert client.get(link.replace("sig=", "sig=0")).status_code == 401
    assert client.get(file_of(link_to("no such call"), piece)).status_code == 404


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_is_a_part_of_the_page(
    piece: str, client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    evidence = recorded("proxy_sipp")
    evidence.logs.append(LogLine(evidence.sip[0].ts, "proxy-1", "INFO: a line"))
    link = keep(evidence)
    page = _get(client, link)
    got = _get(client, file_of(link, piece))
    # However the two are indented.
    assert " ".join(got.split()) in " ".join(page.split())


def test_retransmissions_are_folded_or_shown(
    client: FlaskClient, keep: Keep, recorded: Recorded
) -> None:
    link = keep(recorded("lost_ack_retrans"))
    page = _get(client, link)
    folded = len(re.findall(r'class="sv-item sv-folded"', page))
    assert folded > 0
    assert re.search(r'aria-label="[^"]*, sent \d+ times within ', page)
    shown = _get(client, f"{link}&again=shown")
    assert "sv-folded" not in shown
    assert len(_rows(shown)) == len(_rows(page))


def test_a_host_is_called_by_its_alias(host: Flask) -> None:
    host.config["SIPVAULT_ALIASES"] = {"192.0.2.0/24": "Branch & <co>"}
    SIPVault(host)
    with host.app_context():
        host.extensions["sipvault"].vault(CUSTOMER).put(small_call())
    page = _get(host.test_client(), link_to("call@host"))
    assert "Branch &amp; &lt;co&gt; → " in page
    assert "<co>" not in page


class TestComparing:
    def test_shows_what_differs_with_a_word_and_a_mark(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        link = f"{file_of(keep(small_call()), 'compare')}&left=2&right=3"
        page = _get(client, link)
        assert "<mark>180</mark>" in page
        assert '<td class="sv-verdict">changed</td>' in page
        assert "1 of 6 lines differ. The second came +880 ms after the first." in words(
            page
        )

    def test_escapes_what_strangers_wrote(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        evidence = small_call()
        for name in ("one", "two"):
            line = f"X-Evil: <script>{name}</script>\u202e\r\n"
            evidence.sip.append(
                packet("BYE sip:b SIP/2.0", headers=line, after_ms=1000)
            )
        page = _get(client, f"{file_of(keep(evidence), 'compare')}&left=4&right=5")
        assert "&lt;script&gt;" in page
        assert "<script>" not in page.replace("<script src", "").replace(
            "<script type", ""
        )
        assert "\u202e" not in page

    @pytest.mark.parametrize(
        "numbers",
        ["", "&left=1", "&left=1&right=4", "&left=0&right=1", "&left=x&right=1"],
    )
    def test_needs_two_messages_of_the_call(
        self, numbers: str, client: FlaskClient, keep: Keep
    ) -> None:
        response = client.get(f"{file_of(keep(small_call()), 'compare')}{numbers}")
        assert response.status_code == 404
        assert "Its messages have the numbers 1 to 3." in words(response.text)
