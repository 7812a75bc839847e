"""Who opened which call, and what was refused: signals, log lines, and the limit."""

from __future__ import annotations

import html
import json
import logging
import re
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import call_opened
from flask_sipvault import call_refused
from flask_sipvault import LinkSigner
from flask_sipvault import SIPVault
from flask_sipvault.access.failures import BURST
from flask_sipvault.dashboard import audit
from flask_sipvault.evidence import call_hash

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import small_call
from .calls import words
from .conftest import Keep

HOUR = 3600
JSON = {"Accept": "application/json"}
CALL = call_hash("call@host")

Told = list[dict[str, Any]]


@pytest.fixture
def extension(host: Flask) -> SIPVault:
    host.config.update(
        SIPVAULT_SHARE_MAX_DAYS=1,
        SIPVAULT_SHARE_KEY="the key of shared links, in tests",
    )
    extension = SIPVault(host)
    extension.guard(lambda: None)
    extension.identity(lambda: "jo")
    return extension


@pytest.fixture
def app(host: Flask, extension: SIPVault) -> Flask:
    return host


@pytest.fixture
def opened(app: Flask) -> Iterator[Told]:
    told: Told = []

    def note(sender: Flask, **what: Any) -> None:
        assert sender is app
        told.append(what)

    with call_opened.connected_to(note, app):
        yield told


@pytest.fixture
def refused(app: Flask) -> Iterator[Told]:
    told: Told = []

    def note(sender: Flask, **what: Any) -> None:
        assert sender is app
        told.append(what)

    with call_refused.connected_to(note, app):
        yield told


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines on the audit's logger."""
    said: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    handler = Collect()
    audit.logger.addHandler(handler)
    with caplog.at_level(logging.INFO, "flask_sipvault.audit"):
        yield said
    audit.logger.removeHandler(handler)


def fields(line: str) -> dict[str, str]:
    """A line taken apart as the documentation says: ``name=value``, JSON in quotes."""
    event, _, rest = line.partition(": ")
    assert event in ("call opened", "call refused")
    found = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)', rest)
    assert " ".join(f"{name}={value}" for name, value in found) == rest
    return {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in found
    }


def share(client: FlaskClient, link: str, *, masked: bool = False) -> str:
    """A shared link, from its path on."""
    page = client.post(
        file_of(link, "share"), data={"seconds": "3600", "masked": str(int(masked))}
    ).text
    found = re.search(r'id="sv-sharelink">http://localhost([^<]+)<', page)
    assert found
    return html.unescape(found[1])


def wrong(link: str) -> str:
    return link.replace("sig=", "sig=0")


class TestOpened:
    def test_the_signal_and_the_line_tell_all_of_it(
        self, client: FlaskClient, keep: Keep, opened: Told, lines: list[str]
    ) -> None:
        client.get(keep(small_call()))
        assert opened == [
            {
                "customer_id": CUSTOMER,
                "call_hash": CALL,
                "legs": (),
                "user": "jo",
                "right": "link",
                "masked": False,
                "view": "call_page",
                "address": "127.0.0.1",
            }
        ]
        assert lines == [
            f'call opened: right=link view=call_page customer="acme" call={CALL}'
            ' legs=- masked=no user="jo" address="127.0.0.1"'
        ]

    def test_a_click_is_told_and_then_the_link_that_it_leads_to(
        self, app: Flask, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        keep(small_call())
        with app.test_request_context():
            button = app.jinja_env.globals["sipvault_button"]("call@host")  # type: ignore[operator]
        click = re.search(r'href="([^"]+)"', button)
        assert click
        client.get(html.unescape(click[1]), follow_redirects=True)
        told = [(each["right"], each["view"]) for each in opened]
        assert told == [("click", "open_click"), ("link", "call_page")]
        assert {each["call_hash"] for each in opened} == {CALL}

    @pytest.mark.parametrize("masked", [False, True])
    def test_a_shared_link_is_told_as_one_and_its_making_too(
        self, masked: bool, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        shared = share(client, keep(small_call()), masked=masked)
        client.get(shared)
        made, seen = opened
        assert (made["right"], made["view"], made["user"]) == ("link", "share", "jo")
        assert (seen["right"], seen["masked"]) == ("share", masked)
        # Whoever has it need not be a user of the host's.
        assert seen["user"] is None

    def test_masked_and_legs_are_told(
        self, app: Flask, client: FlaskClient, keep: Keep, lines: list[str]
    ) -> None:
        link = keep(small_call())
        keep(small_call("b@host"))
        app.extensions["sipvault"].vault(CUSTOMER).mark_legs(
            "call@host", "b@host", "header", "2026-11-23"
        )
        client.get(f"{link}&mask=1")
        client.get(f"{link}&with=b@host")
        masked, with_leg = map(fields, lines)
        assert masked["masked"] == "yes"
        assert with_leg["legs"] == call_hash("b@host")

    def test_every_file_is_told_each_time(
        self, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        link = keep(small_call())
        for _ in range(2):
            client.get(file_of(link, "capture.pcapng"))
            client.get(file_of(link, "report.html"))
        views = [each["view"] for each in opened]
        assert views == ["capture", "report_file"] * 2

    def test_pieces_are_told_once_and_not_after_their_page(
        self, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        link = keep(small_call())
        for name in ("messages", "ladder", "logs", "live"):
            client.get(file_of(link, name))
        client.get(link)
        client.get(file_of(link, "messages"))
        views = [each["view"] for each in opened]
        assert views == ["message_piece", "call_page"]

    def test_another_reader_of_the_pieces_is_told(
        self, client: FlaskClient, keep: Keep, extension: SIPVault, opened: Told
    ) -> None:
        link = keep(small_call())
        client.get(link)
        extension.identity(lambda: "chris")
        client.get(file_of(link, "messages"))
        client.get(file_of(f"{link}&mask=1", "messages"))
        client.get(file_of(link, "messages"), environ_base={"REMOTE_ADDR": "192.0.2.7"})
        told = [(each["user"], each["masked"], each["address"]) for each in opened[1:]]
        assert told == [
            ("chris", False, "127.0.0.1"),
            ("chris", True, "127.0.0.1"),
            ("chris", False, "192.0.2.7"),
        ]

    def test_pieces_are_told_again_when_a_link_would_have_ended(
        self,
        client: FlaskClient,
        keep: Keep,
        opened: Told,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        link = keep(small_call())
        client.get(link)
        later = time.monotonic() + 2 * HOUR + 1
        monkeypatch.setattr(audit.time, "monotonic", lambda: later)
        client.get(file_of(link, "messages"))
        assert len(opened) == 2

    def test_not_more_openings_are_remembered_than_may_be(
        self,
        app: Flask,
        client: FlaskClient,
        keep: Keep,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(audit, "_MAX_TOLD", 5)
        link = keep(small_call())
        for number in range(20):
            base = {"REMOTE_ADDR": f"192.0.2.{number}"}
            client.get(link, environ_base=base)
        assert len(app.extensions["sipvault"].audit._told) == 5

    def test_what_was_not_shown_is_not_told(
        self, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        link = keep(small_call())
        client.get(link_to("missing"))
        client.get(wrong(link))
        client.get(f"{file_of(link, 'compare')}&left=1&right=99")
        client.get(f"{link}&with=not-a-leg")
        client.post(file_of(link, "share"), headers={"Sec-Fetch-Site": "cross-site"})
        client.post(link)
        assert opened == []

    @pytest.mark.parametrize("name", ["", "messages"])
    def test_a_receiver_that_raises_keeps_the_call_from_being_shown(
        self, name: str, app: Flask, client: FlaskClient, keep: Keep
    ) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        link = keep(small_call())

        def database_is_down(_sender: Flask, **_what: object) -> None:
            raise OSError("no audit without a database")

        address = file_of(link, name) if name else link
        with call_opened.connected_to(database_is_down, app):
            for _ in range(2):
                answer = client.get(address)
                assert answer.status_code == 500
                assert "486 Busy Here" not in answer.text
        assert client.get(address).status_code == 200

    def test_a_host_that_cannot_name_the_user_shows_the_call_all_the_same(
        self, extension: SIPVault, client: FlaskClient, keep: Keep, opened: Told
    ) -> None:
        def of_session() -> str:
            raise KeyError("user")

        extension.identity(of_session)
        assert client.get(keep(small_call())).status_code == 200
        assert opened[0]["user"] is None


class TestRefused:
    def test_the_signal_and_the_line_tell_all_of_it(
        self, client: FlaskClient, refused: Told, lines: list[str]
    ) -> None:
        client.get(wrong(link_to("call@host")))
        assert refused == [
            {
                "reason": "invalid_signature",
                "right": "link",
                "customer_id": CUSTOMER,
                "call_hash": CALL,
                "user": "jo",
                "address": "127.0.0.1",
                "failures": 1,
                "limited": False,
            }
        ]
        assert lines == [
            f'call refused: right=link reason=invalid_signature customer="acme"'
            f' call={CALL} user="jo" address="127.0.0.1" failures=1 limited=no'
        ]

    @pytest.mark.parametrize(
        ("address", "right", "reason"),
        [
            ("/sipvault/open/forged", "click", "invalid_click"),
            ("/sipvault/shared/forged", "share", "invalid_share"),
            ("/call/nothing", "link", "missing_signature"),
        ],
    )
    def test_every_kind_of_link_is_told(
        self, address: str, right: str, reason: str, client: FlaskClient, refused: Told
    ) -> None:
        client.get(address)
        (told,) = refused
        assert (told["right"], told["reason"]) == (right, reason)
        assert (told["customer_id"], told["call_hash"]) == (None, None)

    def test_an_old_link_is_told_and_not_counted(
        self, client: FlaskClient, refused: Told
    ) -> None:
        """A page that stays open over night goes on asking."""
        old = link_to("call@host", now=time.time() - 3 * HOUR)
        for _ in range(BURST + 5):
            assert client.get(old).status_code == 401
        assert {each["failures"] for each in refused} == {0}
        assert len(refused) == BURST + 5


class TestTooManyFailures:
    @pytest.fixture
    def limited(self, app: Flask, client: FlaskClient) -> FlaskClient:
        # Time stands still: on a busy machine the allowance would grow meanwhile.
        app.extensions["sipvault"].audit._failures._clock = lambda: 0.0
        for number in range(BURST):
            answer = client.get(wrong(link_to(f"call {number}")))
            assert answer.status_code == 401
        return client

    def test_are_answered_by_429_and_when_to_try_again(
        self, limited: FlaskClient
    ) -> None:
        answer = limited.get(wrong(link_to("call@host")))
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "Too many links from your address" in words(answer.text)
        assert "SIPVAULT_HMAC_SECRET" not in answer.text
        answer = limited.get(wrong(link_to("call@host")), headers=JSON)
        assert (answer.status_code, answer.json["error"]) == (429, "too many failures")

    def test_all_rights_together(self, limited: FlaskClient) -> None:
        for address in (
            "/sipvault/open/forged",
            "/sipvault/shared/forged",
            file_of(wrong(link_to("call@host")), "bundle.zip"),
        ):
            assert limited.get(address).status_code == 429

    def test_do_not_lock_out_who_has_a_genuine_link(
        self, app: Flask, limited: FlaskClient, keep: Keep
    ) -> None:
        """An office has one address; one bad bookmark is not everybody's fault."""
        link = keep(small_call())
        for _ in range(5):
            assert limited.get(wrong(link)).status_code == 429
            assert limited.get(link).status_code == 200
            assert limited.get(file_of(link, "call.json")).status_code == 200
        assert limited.get(share(limited, link)).status_code == 200

    def test_nor_who_has_an_old_one_from_learning_so(
        self, limited: FlaskClient
    ) -> None:
        old = link_to("call@host", now=time.time() - 3 * HOUR)
        answer = limited.get(old)
        assert answer.status_code == 401
        assert "expired" in words(answer.text)

    def test_are_those_of_one_address_whatever_it_forwards(
        self, limited: FlaskClient
    ) -> None:
        bad = wrong(link_to("call@host"))
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"):
            answer = limited.get(bad, headers={header: "for=198.51.100.1"})
            assert answer.status_code == 429
        answer = limited.get(bad, environ_base={"REMOTE_ADDR": "198.51.100.1"})
        assert answer.status_code == 401

    def test_are_all_told_and_counted(
        self, limited: FlaskClient, refused: Told, lines: list[str]
    ) -> None:
        for _ in range(3):
            limited.get(wrong(link_to("call@host")))
        assert [each["failures"] for each in refused] == [BURST + n for n in (1, 2, 3)]
        assert {each["limited"] for each in refused} == {True}
        assert [fields(line)["limited"] for line in lines] == ["yes"] * 3

    def test_still_do_not_tell_whether_a_customer_exists(
        self, limited: FlaskClient
    ) -> None:
        link = wrong(link_to("call@host"))
        unknown = LinkSigner("another secret", customer_id="unknown").url("call@host")
        assert limited.get(link).data == limited.get(unknown).data


#: What somebody may try to write into the log by the name he bears.
FORGED = (
    "jo\ncall opened: right=link customer=globex",
    "jo\r\n",
    "jo\x1b[2K\x1b[1A",
    "jo\x00\x08\x7f\x85\x9b31m",
    "jo\u2028\u2029\u202e\u200b",
    'jo" right="share',
    "jo\\",
    "jo customer=globex",
    "=",
    "",
    "\ud800",
    "ж" * 5000,
)


class TestALine:
    @pytest.mark.parametrize("user", FORGED)
    def test_cannot_be_forged_by_a_users_name(
        self,
        user: str,
        extension: SIPVault,
        client: FlaskClient,
        keep: Keep,
        lines: list[str],
    ) -> None:
        extension.identity(lambda: user)
        link = keep(small_call())
        client.get(link)
        client.get(wrong(link))
        for line in lines:
            assert line.isascii()
            assert line.isprintable()
            assert len(line) < 2000
            said = fields(line)
            assert said["user"] == user[:200]
            assert (said["right"], said["customer"]) == ("link", CUSTOMER)
        assert len(lines) == 2

    @pytest.mark.parametrize("text", FORGED[:-2])
    def test_cannot_be_forged_by_an_address_or_a_claim(
        self, text: str, client: FlaskClient, lines: list[str]
    ) -> None:
        """A proxy's header can hold anything, and ProxyFix passes it on."""
        client.get(
            "/call/nothing",
            query_string={"cid": text, "sig": "0"},
            environ_base={"REMOTE_ADDR": text},
        )
        (line,) = lines
        assert line.isascii()
        assert line.isprintable()
        said = fields(line)
        assert (said["address"], said["customer"]) == (text, text)

    def test_holds_neither_call_id_nor_signature_nor_token(
        self, client: FlaskClient, keep: Keep, lines: list[str]
    ) -> None:
        link = keep(small_call("secret-name@10.0.0.1"))
        shared = share(client, link)
        for address in (link, shared, wrong(link), f"{shared}x", "/sipvault/open/f.o"):
            client.get(address)
        signature = link.rpartition("sig=")[2]
        token = shared.rpartition("/")[2]
        text = "\n".join(lines)
        assert len(lines) == 6
        for secret in ("secret-name", "10.0.0.1", signature, token, "f.o"):
            assert secret not in text
        # As a shell takes it apart too.
        assert all(len(shlex.split(line)) >= 8 for line in lines)
