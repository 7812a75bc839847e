"""Sharing: who may, what the link opens, and what it never does."""

from __future__ import annotations

import html
import io
import logging
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_sipvault import SIPVault
from flask_sipvault.access import sharing as sharing_module
from flask_sipvault.evidence import call_hash
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError

from ...calls import CUSTOMER
from ...calls import file_of
from ...calls import link_to
from ...calls import SECRET
from ...calls import small_call
from ...calls import words

KEY = "the key of shared links, in tests"
DAY = 86_400


class Sharing:
    """An app whose guard lets nobody in that is not logged in."""

    def __init__(
        self, host: Flask, *, guarded: bool = True, **settings: object
    ) -> None:
        host.config.update(
            {"SIPVAULT_SHARE_MAX_DAYS": 14, "SIPVAULT_SHARE_KEY": KEY} | settings
        )
        self.app = host
        self.extension = SIPVault(host)
        if guarded:
            self.extension.guard(lambda: None)
        self.state = host.extensions["sipvault"]
        self.client = host.test_client()

    def keep(self, evidence: Evidence) -> str:
        self.state.vault(evidence.customer_id).put(evidence)
        return link_to(evidence.call_id)

    def lose(self, call_id: str) -> None:
        """As when a call's parts are deleted by hand."""
        vault = self.state.vault(CUSTOMER)
        for item in vault.store.list(f"calls/{call_hash(call_id)}/"):
            vault.store.delete(item.key)

    def token(self, call_id: str = "call@host", **how: object) -> str:
        options = {"seconds": DAY, "masked": False} | how
        token: str = self.state.shares.make(CUSTOMER, call_id, **options)
        return token

    def open(self, token: str, name: str = "") -> TestResponse:
        end = f"/{name}" if name else ""
        return self.client.get(f"/sipvault/shared/{token}{end}")


@pytest.fixture
def sharing(host: Flask) -> Sharing:
    return Sharing(host)


def form_of(link: str) -> str:
    return file_of(link, "share")


def made(page: TestResponse) -> str:
    """The link on the page that answers the form, from its path on."""
    found = re.search(r'id="sv-sharelink">http://localhost([^<]+)<', page.text)
    assert found, page.text
    return html.unescape(found[1])


class TestMaking:
    def test_the_page_offers_it_and_the_form_makes_a_link(
        self, sharing: Sharing
    ) -> None:
        link = sharing.keep(small_call())
        button = re.search(r'href="([^"]+)">Share<', sharing.client.get(link).text)
        assert button
        address = html.unescape(button[1])
        assert "without a login" in sharing.client.get(address).text
        page = sharing.client.post(address, data={"seconds": DAY, "masked": "0"})
        opened = sharing.client.get(made(page))
        assert opened.status_code == 200
        assert "486 Busy Here" in opened.text

    def test_the_lifetimes_end_with_the_longest(self, sharing: Sharing) -> None:
        page = sharing.client.get(form_of(sharing.keep(small_call()))).text
        labels = re.findall(r"<option [^>]+>([^<]+)", page)
        assert labels == ["1 hour", "1 day", "3 days", "7 days", "14 days"]

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"seconds": str(DAY)},
            {"masked": "1"},
            {"seconds": str(15 * DAY), "masked": "1"},
            {"seconds": "1", "masked": "1"},
            {"seconds": str(DAY), "masked": "no"},
        ],
    )
    def test_nothing_else_can_be_asked_for(
        self, data: dict[str, str], sharing: Sharing
    ) -> None:
        answer = sharing.client.post(form_of(sharing.keep(small_call())), data=data)
        assert answer.status_code == 400
        assert "sv-sharelink" not in answer.text

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "http://localhost"}, 200),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 200),
        ],
    )
    def test_a_form_of_another_site_makes_nothing(
        self, headers: dict[str, str], status: int, sharing: Sharing
    ) -> None:
        answer = sharing.client.post(
            form_of(sharing.keep(small_call())),
            data={"seconds": str(DAY), "masked": "1"},
            headers=headers,
        )
        assert answer.status_code == status
        assert ("sv-sharelink" in answer.text) == (status == 200)

    def test_the_form_may_be_sent_and_tells_its_origin(self, sharing: Sharing) -> None:
        answer = sharing.client.get(form_of(sharing.keep(small_call())))
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_the_form_carries_the_token_of_a_host_that_wants_one(
        self, sharing: Sharing
    ) -> None:
        sharing.app.jinja_env.globals["csrf_token"] = lambda: "the host's <token>"
        page = sharing.client.get(form_of(sharing.keep(small_call()))).text
        assert 'name="csrf_token" value="the host&#39;s &lt;token&gt;"' in page

    def test_it_is_off_unless_it_is_switched_on(self, host: Flask) -> None:
        off = Sharing(host, SIPVAULT_SHARE_MAX_DAYS=0)
        link = off.keep(small_call())
        assert ">Share<" not in off.client.get(link).text
        for answer in (
            off.client.get(form_of(link)),
            off.client.post(form_of(link), data={"seconds": DAY, "masked": "0"}),
        ):
            assert answer.status_code == 404
            assert "Calls cannot be shared here" in words(answer.text)

    def test_the_guard_comes_before_it(self, sharing: Sharing) -> None:
        sharing.extension.guard(lambda: ("log in first", 401))
        link = sharing.keep(small_call())
        answer = sharing.client.post(
            form_of(link), data={"seconds": DAY, "masked": "0"}
        )
        assert (answer.status_code, answer.text) == (401, "log in first")

    def test_it_takes_a_genuine_link(self, sharing: Sharing) -> None:
        link = sharing.keep(small_call()).replace("sig=", "sig=0")
        answer = sharing.client.post(
            form_of(link), data={"seconds": DAY, "masked": "0"}
        )
        assert answer.status_code == 401

    def test_the_log_tells_of_it_but_not_the_link(
        self, sharing: Sharing, caplog: pytest.LogCaptureFixture
    ) -> None:
        link = sharing.keep(small_call())
        with caplog.at_level(logging.INFO):
            page = sharing.client.post(
                form_of(link), data={"seconds": DAY, "masked": "1"}
            )
            token = made(page).rpartition("/")[2]
            sharing.open(token)
        said = [each.getMessage() for each in caplog.records]
        assert any("shared call" in each and "masked" in each for each in said)
        assert any("call opened: right=share" in each for each in said)
        assert not any(token in each for each in said)


class TestWithoutAGuard:
    """Whoever has a link of two hours could make one of days of it."""

    @pytest.fixture
    def sharing(self, host: Flask) -> Sharing:
        return Sharing(host, guarded=False)

    def test_a_call_is_shared_masked_only(self, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        form = sharing.client.get(address).text
        assert 'value="0"' not in form
        assert "SIPVAULT_SHARE_UNGUARDED" in form
        answer = sharing.client.post(address, data={"seconds": DAY, "masked": "0"})
        assert answer.status_code == 400
        page = sharing.client.post(address, data={"seconds": DAY, "masked": "1"})
        assert sharing.client.get(made(page)).status_code == 200
        assert len(sharing.state.shares.of_call(CUSTOMER, "call@host")) == 1

    def test_a_setting_says_that_none_is_needed(self, host: Flask) -> None:
        sharing = Sharing(host, guarded=False, SIPVAULT_SHARE_UNGUARDED="true")
        address = form_of(sharing.keep(small_call()))
        page = sharing.client.post(address, data={"seconds": DAY, "masked": "0"})
        assert sharing.client.get(made(page)).status_code == 200

    def test_a_guard_that_is_named_after_the_start_counts(
        self, sharing: Sharing
    ) -> None:
        sharing.extension.guard(lambda: None)
        address = form_of(sharing.keep(small_call()))
        page = sharing.client.post(address, data={"seconds": DAY, "masked": "0"})
        assert sharing.client.get(made(page)).status_code == 200

    def test_the_log_tells_of_it_once(
        self, sharing: Sharing, caplog: pytest.LogCaptureFixture
    ) -> None:
        link = sharing.keep(small_call())
        for _ in range(3):
            sharing.client.get(link)
        assert caplog.text.count("no guard looks at who shares calls") == 1


class TestLinksThereAre:
    def share(self, sharing: Sharing, address: str, masked: str = "1") -> str:
        data = {"seconds": DAY, "masked": masked}
        return made(sharing.client.post(address, data=data))

    def names(self, page: str) -> list[str]:
        return re.findall('name="revoke" value="([^"]+)"', page)

    def test_they_are_listed_without_what_opens_them(self, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        assert self.names(sharing.client.get(address).text) == []
        shared = self.share(sharing, address)
        self.share(sharing, address, masked="0")
        page = sharing.client.get(address).text
        assert len(self.names(page)) == 2
        assert words(page).count("not opened yet") == 2
        token = shared.rpartition("/")[2]
        assert token not in page
        assert f"<code>{token[:6]}…</code> masked" in page

    def test_they_tell_on_how_many_days_they_were_opened(
        self, sharing: Sharing
    ) -> None:
        address = form_of(sharing.keep(small_call()))
        shared = self.share(sharing, address)
        for end in ("", "/call.json", "/live"):
            sharing.client.get(shared + end)
        assert "opened on 1 day, last on 20" in words(sharing.client.get(address).text)

    def test_one_is_revoked_and_the_others_work(self, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        one, other = (self.share(sharing, address, masked) for masked in "10")
        page = sharing.client.get(address).text
        masked = page.index("</code> masked")
        name = self.names(page[masked:])[0]
        answer = sharing.client.post(address, data={"revoke": name})
        assert "The link was revoked" in words(answer.text)
        assert len(self.names(answer.text)) == 1
        refused = sharing.client.get(one)
        assert refused.status_code == 401
        assert "This shared link was revoked" in words(refused.text)
        assert sharing.client.get(f"{one}/live").status_code == 401
        assert sharing.client.get(other).status_code == 200
        assert sharing.client.post(address, data={"revoke": name}).status_code == 200

    @pytest.mark.parametrize("name", ["", "x", "../../calls", "0" * 33, "G" * 32])
    def test_nothing_but_a_name_revokes(self, name: str, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        answer = sharing.client.post(address, data={"revoke": name})
        assert answer.status_code == 400

    def test_the_link_of_one_call_revokes_none_of_another(
        self, sharing: Sharing
    ) -> None:
        address = form_of(sharing.keep(small_call()))
        other = form_of(sharing.keep(small_call("other@host")))
        shared = self.share(sharing, address)
        (name,) = self.names(sharing.client.get(address).text)
        assert self.names(sharing.client.get(other).text) == []
        sharing.client.post(other, data={"revoke": name})
        assert sharing.client.get(shared).status_code == 200

    def test_a_form_of_another_site_revokes_nothing(self, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        shared = self.share(sharing, address)
        (name,) = self.names(sharing.client.get(address).text)
        answer = sharing.client.post(
            address, data={"revoke": name}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403
        assert sharing.client.get(shared).status_code == 200

    def test_only_who_may_share_sees_them(self, sharing: Sharing) -> None:
        address = form_of(sharing.keep(small_call()))
        shared = self.share(sharing, address)
        assert sharing.client.get(f"{shared}/share").status_code == 404
        assert sharing.client.get(f"{address}&mask=1").status_code == 404
        sharing.extension.guard(lambda: ("log in first", 401))
        assert sharing.client.get(address).status_code == 401
        assert (
            sharing.client.post(address, data={"revoke": "0" * 32}).status_code == 401
        )

    def test_while_the_store_is_down_nobody_is_told_that_a_link_is_wrong(
        self, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = form_of(sharing.keep(small_call()))
        shared = self.share(sharing, address)

        def down(*_: object) -> bytes:
            raise StoreError("down")

        monkeypatch.setattr(FolderStore, "get", down)
        for answer in (sharing.client.get(shared), sharing.client.get(address)):
            assert answer.status_code == 503

    def test_too_many_are_refused_with_what_to_do(
        self, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sharing_module, "MAX_LINKS", 2)
        address = form_of(sharing.keep(small_call()))
        for _ in range(2):
            self.share(sharing, address)
        answer = sharing.client.post(address, data={"seconds": DAY, "masked": "1"})
        assert answer.status_code == 409
        assert "revoke one" in words(answer.text)


class TestOpening:
    def test_it_needs_no_login(self, sharing: Sharing) -> None:
        sharing.extension.guard(lambda: ("log in first", 401))
        link = sharing.keep(small_call())
        assert sharing.client.get(link).status_code == 401
        assert sharing.open(sharing.token()).status_code == 200

    def test_its_downloads_and_pieces_open_too(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        page = sharing.open(sharing.token()).text
        urls = re.findall(r'<li><a href="([^"]+)" download', page)
        urls += re.findall(r'data-(?:page|ladder|messages|logs)="([^"]+)"', page)
        assert len(urls) > 10
        for url in map(html.unescape, urls):
            assert url.startswith("/sipvault/shared/")
            assert sharing.client.get(url).status_code == 200, url

    def test_it_can_only_be_read(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        token = sharing.token()
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for end in ("", "/call.json"):
                answer = sharing.client.open(
                    f"/sipvault/shared/{token}{end}", method=method
                )
                assert answer.status_code == 405
        assert sharing.open(token, "share").status_code == 404

    def test_it_says_until_when_and_whose_it_is_not(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        page = sharing.open(sharing.token()).text
        assert re.search(r"Shared · link valid until \d+ \w+ 20\d\d", words(page))
        assert ">Share<" not in page

    def test_it_shows_nothing_of_other_legs(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        sharing.keep(small_call("other leg@host", display="Mallory"))
        sharing.state.vault(CUSTOMER).mark_legs(
            "call@host", "other leg@host", "header", "2026-11-23"
        )
        for query in ("", "?hops=2", "?with=other+leg%40host"):
            page = sharing.client.get(f"/sipvault/shared/{sharing.token()}{query}").text
            assert "other leg" not in page
            assert "Mallory" not in page

    def test_it_keeps_to_its_customer(self, host: Flask) -> None:
        both = Sharing(
            host,
            SIPVAULT_CUSTOMERS=[
                {"id": CUSTOMER, "secret": SECRET},
                {"id": "globex", "secret": "another secret of the tests"},
            ],
        )
        theirs = small_call(display="Mallory")
        theirs.customer_id = "globex"
        both.keep(theirs)
        both.keep(small_call())
        address = f"{both.open(both.token()).request.path}?cid=globex"
        answer = both.client.get(address)
        assert answer.status_code == 200
        assert "Mallory" not in answer.text

    def test_it_is_drawn_without_the_hosts_layout(
        self, host: Flask, tmp_path: Path
    ) -> None:
        folder = tmp_path / "templates"
        folder.mkdir()
        layout = "HOST{% block head %}{% endblock %}{% block content %}{% endblock %}"
        (folder / "layout.html").write_text(layout)
        embedded = Sharing(host, SIPVAULT_BASE_TEMPLATE="layout.html")
        link = embedded.keep(small_call())
        assert embedded.client.get(link).text.startswith("HOST")
        answer = embedded.open(embedded.token())
        assert answer.text.startswith("<!doctype html>")
        assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
        assert embedded.open("nonsense").text.startswith("<!doctype html>")


class TestNoLonger:
    def refused(self, sharing: Sharing, token: str) -> str:
        for name in ("", "capture.pcapng", "live", "messages"):
            answer = sharing.open(token, name)
            assert answer.status_code == 401
        return words(sharing.open(token).text)

    def test_expired(self, sharing: Sharing, monkeypatch: pytest.MonkeyPatch) -> None:
        sharing.keep(small_call())
        token = sharing.token(now=1)
        assert "This shared link has expired" in self.refused(sharing, token)

    def test_tampered_with(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        token = sharing.token()
        changed = ("A" if token[0] != "A" else "B") + token[1:]
        assert "does not open a call" in self.refused(sharing, changed)

    def test_revoked_by_a_new_key(self, sharing: Sharing, tmp_path: Path) -> None:
        link = sharing.keep(small_call())
        token = sharing.token()
        host = Flask("again", instance_path=str(tmp_path), root_path=str(tmp_path))
        host.config.update(sharing.app.config)
        again = Sharing(host, SIPVAULT_SHARE_KEY="another key of shared links, here")
        assert "It was revoked" in self.refused(again, token)
        # Links of the CDR viewer are none of its business.
        assert again.client.get(link).status_code == 200

    def test_when_sharing_is_switched_off(
        self, sharing: Sharing, tmp_path: Path
    ) -> None:
        sharing.keep(small_call())
        host = Flask("again", instance_path=str(tmp_path), root_path=str(tmp_path))
        host.config.update(sharing.app.config)
        off = Sharing(host, SIPVAULT_SHARE_MAX_DAYS=0)
        assert "does not open a call" in self.refused(off, sharing.token())

    def test_of_a_customer_who_left(self, sharing: Sharing, tmp_path: Path) -> None:
        sharing.keep(small_call())
        token = sharing.token()
        host = Flask("again", instance_path=str(tmp_path), root_path=str(tmp_path))
        host.config.update(sharing.app.config, SIPVAULT_CUSTOMER_ID="globex")
        assert "does not open a call" in self.refused(Sharing(host), token)

    def test_of_a_call_that_is_gone(self, sharing: Sharing) -> None:
        sharing.keep(small_call())
        token = sharing.token()
        sharing.lose("call@host")
        assert sharing.open(token).status_code == 404

    def test_programs_get_json(self, sharing: Sharing) -> None:
        answer = sharing.client.get(
            "/sipvault/shared/nonsense/call.json",
            headers={"Accept": "application/json"},
        )
        assert answer.json["error"] == "invalid share"


def inside(name: str, data: bytes) -> Iterator[bytes]:
    """A file, and what is packed in it however deep."""
    yield name.encode()
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from inside(member, archive.read(member))


class TestMasked:
    QUERIES = ("", "?mask=0", "?with=leg%40127.0.0.3&hops=2", "?left=1&right=2")

    #: Of the recording: parties, addresses, host of the Call-ID, and its number.
    SECRETS = (b"127.0.0.2", b"127.0.0.3", b"127.0.0.1", b"alice", b"bob", b"1-8285")

    @pytest.fixture
    def token(self, sharing: Sharing, own_corpus: Path) -> str:
        path = own_corpus / "b2bua_xcid.pcap"
        with path.open("rb") as file:
            items = read_capture(file)
            evidence = next(
                import_capture(items, customer_id=CUSTOMER, source="trace.pcap")
            )
        sharing.keep(evidence)
        sharing.state.vault(CUSTOMER).mark_legs(
            evidence.call_id, "leg@127.0.0.3", "header", "2026-11-24"
        )
        return sharing.token(evidence.call_id, masked=True)

    def test_no_address_gives_anything_away(self, sharing: Sharing, token: str) -> None:
        opened = 0
        for rule in sharing.app.url_map.iter_rules():
            if "<token>" not in rule.rule or "shared" not in rule.rule:
                continue
            if "GET" not in (rule.methods or ()):
                continue
            address = rule.rule.replace("<token>", token)
            for query in self.QUERIES:
                answer = sharing.client.get(address + query)
                opened += answer.status_code == 200
                headers = repr(list(answer.headers)).encode()
                for text in (headers, *inside(rule.rule, answer.data)):
                    for secret in (*self.SECRETS, CUSTOMER.encode(), b"leg@"):
                        assert secret not in text.lower(), (rule.rule, query, secret)
        assert opened > 40

    def test_the_call_is_still_told(self, sharing: Sharing, token: str) -> None:
        page = sharing.open(token)
        assert page.text.count('class="sv-msg ') == 7
        assert "Answered" in words(page.text)

    def test_the_parts_as_kept_are_not_offered(
        self, sharing: Sharing, token: str
    ) -> None:
        assert "bundle.zip" not in sharing.open(token).text

    def test_a_call_that_is_gone_is_not_named(self, sharing: Sharing) -> None:
        sharing.keep(small_call("1-1@10.1.2.3"))
        token = sharing.token("1-1@10.1.2.3", masked=True)
        sharing.lose("1-1@10.1.2.3")
        answer = sharing.open(token)
        assert answer.status_code == 404
        assert "10.1.2.3" not in answer.text
