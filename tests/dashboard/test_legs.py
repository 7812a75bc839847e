"""Other legs beside a call: which may be seen, and how they are told apart."""

from __future__ import annotations

import html
import io
import itertools
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.vault.leg_index import LegIndex
from flask_sipvault.vault.vault import Vault

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import SECRET
from .calls import small_call
from .calls import words

Keep = Callable[[Evidence], str]

DAY = "2026-11-23"


def vault_of(app: Flask, customer_id: str = CUSTOMER) -> Vault:
    vault: Vault = app.extensions["sipvault"].vault(customer_id)
    return vault


def beside(link: str, *call_ids: str) -> str:
    return link + "".join(f"&with={quote(call_id, safe='')}" for call_id in call_ids)


@pytest.fixture
def b2bua(app: Flask, own_corpus: Path) -> list[str]:
    """The Call-IDs of a call through a B2BUA, imported: the caller's leg first."""
    path = own_corpus / "b2bua_xcid.pcap"
    vault = vault_of(app)
    marks = LegIndex(vault)
    found = []
    with path.open("rb") as file:
        for part in import_capture(
            read_capture(file), customer_id=CUSTOMER, source=path.name
        ):
            vault.put(part)
            marks.note(part)
            found.append(part.call_id)
    return found


class TestTheList:
    def test_it_says_what_ties_a_leg_and_how_to_see_it(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        page = client.get(link_to(b2bua[0])).text
        seen = words(page)
        assert f"{b2bua[1]} named in a header of the INVITE" in seen
        assert "Show it in the ladder" in seen

    def test_a_leg_that_several_things_tie_is_listed_once(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        for why in ("media", "header"):
            vault_of(app).mark_legs("call@host", "b@host", why, DAY)
        page = client.get(link).text
        assert page.count("<code>b@host</code>") == 1

    def test_two_calls_that_name_what_nobody_captured_are_not_shown_together(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        keep(small_call("stranger@host"))
        vault_of(app).mark_legs("call@host", "customer-7", "header", DAY)
        vault_of(app).mark_legs("stranger@host", "customer-7", "header", DAY)

        assert "customer-7 named in a header" in words(client.get(link).text)
        assert "stranger@host" not in client.get(link + "&hops=2").text
        assert client.get(beside(link, "stranger@host")).status_code == 404

    def test_legs_of_legs_are_looked_for_on_request_only(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        keep(small_call("b@host"))
        vault_of(app).mark_legs("call@host", "b@host", "header", DAY)
        vault_of(app).mark_legs("b@host", "c@host", "transfer", DAY)
        vault_of(app).mark_legs("c@host", "d@host", "transfer", DAY)
        page = client.get(link).text
        assert "c@host" not in page
        more = re.search(r'href="([^"]+)">Look for legs of these legs', page)
        assert more
        seen = words(client.get(html.unescape(more[1])).text)
        assert "c@host asked for by REFER by way of b@host" in seen
        assert "d@host" not in seen
        assert "Look for legs" not in seen

    def test_a_link_of_a_leg_is_as_good_as_the_one_that_is_open(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        page = client.get(link_to(b2bua[0])).text
        url = re.search(r'<li>\s+<a href="([^"]+)"', page)
        assert url
        there = client.get(html.unescape(url[1]))
        assert there.status_code == 200
        assert b2bua[0] in there.text


class TestBesideTheCall:
    def test_both_legs_are_on_one_ladder_told_apart_by_letter(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        page = client.get(beside(link_to(b2bua[0]), b2bua[1])).text
        assert page.count('class="sv-msg ') == 13
        labels = re.findall(r'class="sv-lab"[^>]*>([^<]+)', page)
        assert labels[:3] == ["A INVITE", "A 100 Trying", "B INVITE"]
        assert 'aria-label="leg B INVITE from' in page

    def test_the_button_shows_them_and_takes_them_out_again(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        alone = client.get(link_to(b2bua[0])).text
        button = r'class="sv-button sv-small sv-noprint" href="([^"]+)"'
        join = re.search(button, alone)
        assert join
        both = client.get(html.unescape(join[1])).text
        assert "Take it out of the ladder" in both
        out = re.search(button, both)
        assert out
        again = client.get(html.unescape(out[1])).text
        assert again.count('class="sv-msg ') == alone.count('class="sv-msg ')

    def test_the_summary_stays_that_of_the_open_call(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        for call_id, other in (b2bua, b2bua[::-1]):
            page = client.get(beside(link_to(call_id), other)).text
            assert f'id="sv-callid" title="Call-ID">{call_id}<' in page

    def test_its_pieces_and_comparisons_number_the_same_messages(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        page = client.get(beside(link_to(b2bua[0]), b2bua[1])).text
        for name in ("ladder", "messages"):
            url = re.search(rf'data-{name}="([^"]+)"', page)
            assert url
            piece = client.get(html.unescape(url[1])).text
            assert 'data-n="13"' in piece
        compare = re.search(r'data-compare="([^"]+)"', page)
        assert compare
        url = f"{html.unescape(compare[1])}&left=1&right=13"
        assert "Messages 1 and 13" in words(client.get(url).text)

    def test_the_downloads_hold_both(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        link = beside(link_to(b2bua[0]), b2bua[1])
        capture = client.get(file_of(link, "capture.pcapng")).data
        found = {
            item.call_id
            for item in read_capture(io.BytesIO(capture))
            if item.kind == "sip"
        }
        assert found == set(b2bua)
        assert client.get(file_of(link, "sip.txt")).text.count("\n--- ") == 12
        document = client.get(file_of(link, "call.json")).json
        assert [m["n"] for m in document["messages"]] == list(range(1, 14))
        assert {m["leg"] for m in document["messages"]} == {"A", "B"}
        parts = zipfile.ZipFile(
            io.BytesIO(client.get(file_of(link, "bundle.zip")).data)
        )
        assert len(parts.namelist()) == 2

    def test_the_masked_downloads_hold_both_as_well(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        link = beside(link_to(b2bua[0]), b2bua[1]) + "&mask=1"
        document = client.get(file_of(link, "call.json")).json
        assert {m["leg"] for m in document["messages"]} == {"A", "B"}
        # The B2BUA is one host in both legs.
        first, second = document["hops"]
        assert first["dst"].split(":")[0] == second["src"].split(":")[0]
        assert client.get(file_of(link, "sip.txt")).text.count("\n--- ") == 12
        parts = zipfile.ZipFile(
            io.BytesIO(client.get(file_of(link, "bundle.zip")).data)
        )
        assert len(parts.namelist()) == 2

    def test_headline_tiles_and_parties_are_those_of_what_is_shown(
        self, client: FlaskClient, b2bua: list[str]
    ) -> None:
        link = beside(link_to(b2bua[0]), b2bua[1])
        seen = words(client.get(link).text)
        document = client.get(file_of(link, "call.json")).json
        assert document["outcome"]["headline"] in seen
        assert document["caller"]["user"] in seen
        assert document["callee"]["user"] in seen

    def test_a_leg_of_a_leg_may_be_seen(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        keep(small_call("b@host"))
        keep(small_call("c@host"))
        vault_of(app).mark_legs("call@host", "b@host", "header", DAY)
        vault_of(app).mark_legs("b@host", "c@host", "header", DAY)
        page = client.get(beside(link, "c@host")).text
        assert "B INVITE" in page
        assert client.get(beside(link, "b@host", "c@host")).text.count("C INVITE")

    def test_a_leg_that_is_gone_is_said_to_be(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        vault_of(app).mark_legs("call@host", "b@host", "header", DAY)
        seen = words(client.get(beside(link, "b@host")).text)
        assert re.search("Nothing is stored of .*b@host", seen)

    def test_no_more_legs_than_letters(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        others = [f"{n}@host" for n in range(8)]
        for other in others:
            keep(small_call(other))
            vault_of(app).mark_legs("call@host", other, "header", DAY)
        page = client.get(beside(link, *others)).text
        assert "E INVITE" in page
        assert "F INVITE" not in page
        assert "Show it in the ladder" not in page


#: The page, its pieces, and files in which the legs are beside each other.
OPENED = [
    *["", "ladder", "messages", "logs", "live", "compare"],
    *["capture.pcapng", "sip.txt", "report.html", "ladder.svg"],
]


def answers(client: FlaskClient, link: str, other: str) -> list[tuple[int, bytes]]:
    """What comes of asking for another Call-ID beside a call, wherever one can."""
    found = []
    for name in OPENED:
        address = file_of(link, name) if name else link
        answer = client.get(beside(address, other))
        found.append((answer.status_code, answer.data))
    return found


class TestNothingElseOpens:
    def test_a_stranger_of_the_same_customer(
        self, client: FlaskClient, keep: Keep
    ) -> None:
        link = keep(small_call())
        keep(small_call("stranger@host", display="Mallory"))
        for status, page in answers(client, link, "stranger@host"):
            assert status == 404
            assert b"Mallory" not in page

    def test_a_leg_of_a_leg_of_a_leg(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        link = keep(small_call())
        calls = ["call@host", "b@host", "c@host", "d@host"]
        for one, other in itertools.pairwise(calls):
            keep(small_call(other, display="Mallory"))
            vault_of(app).mark_legs(one, other, "header", DAY)
        for status, page in answers(client, link, "d@host"):
            assert status == 404
            assert b"Mallory" not in page

    def test_what_only_another_customer_has(self, host: Flask) -> None:
        host.config["SIPVAULT_CUSTOMERS"] = [
            {"id": CUSTOMER, "secret": SECRET},
            {"id": "globex", "secret": "another secret of the tests"},
        ]
        SIPVault(host)
        vault_of(host).put(small_call())
        theirs = small_call("theirs@host", display="Mallory")
        theirs.customer_id = "globex"
        vault_of(host, "globex").put(theirs)
        vault_of(host).mark_legs("call@host", "theirs@host", "header", DAY)
        link = link_to("call@host")
        found = answers(host.test_client(), link, "theirs@host")
        assert found[0][0] == 200
        assert all(b"Mallory" not in page for _, page in found)

    def test_a_link_that_is_not_genuine(
        self, client: FlaskClient, keep: Keep, app: Flask
    ) -> None:
        forged = keep(small_call()).replace("sig=", "sig=0")
        keep(small_call("b@host", display="Mallory"))
        vault_of(app).mark_legs("call@host", "b@host", "header", DAY)
        for status, page in answers(client, forged, "b@host"):
            assert status == 401
            assert b"Mallory" not in page


def test_what_is_masked_has_no_legs(
    client: FlaskClient, keep: Keep, app: Flask
) -> None:
    link = keep(small_call())
    keep(small_call("b@host", display="Mallory"))
    vault_of(app).mark_legs("call@host", "b@host", "header", DAY)
    page = client.get(beside(link + "&mask=1", "b@host")).text
    for secret in ("b@host", "Mallory", "5511", "192.0.2.1", "Alice"):
        assert secret not in re.sub(r'(href|data-\w+)="[^"]*"', "", page)
