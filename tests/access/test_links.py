"""The deep link, against the original product's generators and against forgers."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import ClassVar
from urllib.parse import quote

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from flask_sipvault.access.links import CallIdError
from flask_sipvault.access.links import LinkError
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.access.links import MAX_CALL_ID_BYTES
from flask_sipvault.access.links import parse_url
from flask_sipvault.access.links import SecretError
from flask_sipvault.access.links import verify

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "link-vectors.json").read_text("utf-8")
)
ENCODINGS = ["query_python", "query_node", "query_php"]

SECRET = "a-secret-of-acme"
BASE = "https://vault.example.com"
CALL_ID = "a84b4c76e66710@pc33.atlanta.example.com"
HOUR = 495663
NOW = HOUR * 3600 + 1234.5

signer = LinkSigner(SECRET, customer_id="acme", base_url=BASE)


def link(call_id: str = CALL_ID, hour: int = HOUR) -> tuple[str, dict[str, str]]:
    """The hash and the query of a good link, to be spoilt."""
    call_hash, query = parse_url(signer.url(call_id, now=hour * 3600))
    return call_hash, {name: value for name, [value] in query.items()}


def refusal(call_hash: str, query: Any, now: float = NOW) -> LinkError:
    with pytest.raises(LinkError) as caught:
        signer.verify(call_hash, query, now)
    return caught.value


def by_call_id(vector: dict[str, Any]) -> str:
    return ascii(vector["call_id"])[:30]


class TestVectors:
    """The 20 links that Python, Node and PHP made alike."""

    @pytest.fixture(params=VECTORS, ids=by_call_id)
    def vector(self, request: pytest.FixtureRequest) -> Any:
        return request.param

    @pytest.fixture
    def its_signer(self, vector: dict[str, Any]) -> LinkSigner:
        return LinkSigner(
            vector["secret"], customer_id=vector["customer_id"], base_url=BASE
        )

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_each_encoding_of_the_query_is_accepted(
        self, vector: dict[str, Any], its_signer: LinkSigner, encoding: str
    ) -> None:
        call_hash, query = parse_url(BASE + vector[encoding])
        assert call_hash == vector["call_hash"]
        assert its_signer.verify(call_hash, query, vector["ts_hour"] * 3600) == (
            vector["customer_id"],
            vector["call_id"],
        )

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_a_link_is_accepted_as_werkzeug_decodes_it(
        self, vector: dict[str, Any], its_signer: LinkSigner, encoding: str
    ) -> None:
        path, _, query_string = vector[encoding].partition("?")
        request = Request(EnvironBuilder(path, query_string=query_string).get_environ())
        call_hash = request.path.rpartition("/")[2]
        assert its_signer.verify(call_hash, request.args, vector["ts_hour"] * 3600) == (
            vector["customer_id"],
            vector["call_id"],
        )

    def test_our_links_are_the_ones_the_python_generator_made(
        self, vector: dict[str, Any], its_signer: LinkSigner
    ) -> None:
        made = its_signer.url(vector["call_id"], now=vector["ts_hour"] * 3600 + 3599.9)
        assert made == BASE + vector["query_python"]


class TestOrderOfChecks:
    """Every row of the table of checks, and that the first that fails answers."""

    def test_a_good_link_gives_customer_and_call_id(self) -> None:
        assert signer.verify(*link(), NOW) == ("acme", CALL_ID)

    @pytest.mark.parametrize("sig", [None, ""])
    def test_without_a_signature_nothing_else_is_looked_at(
        self, sig: str | None
    ) -> None:
        query = {} if sig is None else {"sig": sig}
        error = refusal("", query)
        assert (error.status, error.message) == (401, "missing signature")
        assert error.reason == "missing_signature"

    @pytest.mark.parametrize("name", ["cid", "callid", "ts"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_a_parameter_missing_or_empty_is_named(
        self, name: str, value: str | None
    ) -> None:
        call_hash, query = link()
        del query[name]
        if value is not None:
            query[name] = value
        error = refusal(call_hash, query)
        assert (error.status, error.reason) == (400, "bad_parameter")
        assert error.message.split()[0] == name

    @pytest.mark.parametrize("name", ["cid", "callid", "ts", "sig"])
    def test_a_parameter_given_twice_is_named_even_if_alike(self, name: str) -> None:
        call_hash, query = link()
        repeated = MultiDict(query)
        repeated.add(name, query[name])
        error = refusal(call_hash, repeated)
        assert (error.status, error.message) == (400, f"{name} is given more than once")
        assert refusal(call_hash, dict(repeated.lists())).message == error.message

    @pytest.mark.parametrize(
        "ts",
        [
            "495663.0",
            "-495663",
            "+495663",
            " 495663",
            "495_663",
            "0x7903f",
            "٤٩٥٦٦٣",
            "four",
            "495663\n",
            "1" * 11,
            "9" * 5000,
        ],
    )
    def test_a_ts_that_is_no_plain_number_is_refused(self, ts: str) -> None:
        call_hash, query = link()
        error = refusal(call_hash, query | {"ts": ts})
        assert (error.status, error.message.split()[0]) == (400, "ts")
        assert ts not in error.message

    @pytest.mark.parametrize(
        "call_id",
        [
            "a\nb",
            "a\r\nSet-Cookie: x",
            "\0",
            "a\x7fb",
            "a\x85b",
            "x" * 513,
            "\udcff",
            "é" * 257,
        ],
    )
    def test_an_impossible_call_id_is_refused(self, call_id: str) -> None:
        call_hash, query = link()
        error = refusal(call_hash, query | {"callid": call_id})
        assert (error.status, error.message.split()[0]) == (400, "callid")

    def test_a_malformed_parameter_comes_before_the_signature(self) -> None:
        call_hash, query = link()
        assert refusal(call_hash, query | {"ts": "now", "sig": "0" * 32}).status == 400

    @pytest.mark.parametrize("cid", ["globex", "ACME", "acme ", "\udcff", "a" * 9999])
    def test_another_customer_gets_the_answer_of_a_wrong_signature(
        self, cid: str
    ) -> None:
        call_hash, query = link()
        by_cid = refusal(call_hash, query | {"cid": cid})
        by_sig = refusal(call_hash, query | {"sig": "0" * 32})
        assert (by_cid.status, by_cid.message) == (401, "invalid signature")
        assert vars(by_cid) == vars(by_sig)

    @pytest.mark.parametrize(
        "sig", ["0" * 32, "f" * 31, "é" * 32, "\udcff" * 32, "0" * 9999]
    )
    def test_a_wrong_signature_is_refused_whatever_it_is_made_of(
        self, sig: str
    ) -> None:
        call_hash, query = link()
        assert refusal(call_hash, query | {"sig": sig}).reason == "invalid_signature"

    def test_a_signature_is_not_accepted_in_part_or_in_upper_case(self) -> None:
        call_hash, query = link()
        for sig in (query["sig"][:-1], query["sig"].upper(), query["sig"] + "0"):
            assert refusal(call_hash, query | {"sig": sig}).status == 401

    def test_a_wrong_signature_comes_before_an_old_ts(self) -> None:
        call_hash, query = link(hour=HOUR - 100)
        spoilt = query | {"sig": "0" * 32}
        assert refusal(call_hash, spoilt).message == "invalid signature"

    def test_an_old_link_says_to_click_again(self) -> None:
        error = refusal(*link(hour=HOUR - 2))
        assert (error.status, error.message) == (401, "ts expired")
        assert error.reason == "expired"
        assert "click again" in error.detail

    def test_a_link_of_the_future_says_that_the_clocks_differ(self) -> None:
        error = refusal(*link(hour=HOUR + 2))
        assert (error.status, error.message) == (401, "ts expired")
        assert error.reason == "clock_ahead"
        assert "clocks" in error.detail

    def test_an_old_ts_comes_before_a_wrong_path(self) -> None:
        _, query = link(hour=HOUR - 2)
        assert refusal("0" * 16, query).message == "ts expired"

    @pytest.mark.parametrize("call_hash", ["0" * 16, "", "é", "\udcff"])
    def test_the_path_of_another_call_is_forbidden(self, call_hash: str) -> None:
        error = refusal(call_hash, link()[1])
        assert (error.status, error.message) == (403, "call_hash does not match token")
        assert error.reason == "hash_mismatch"


@pytest.mark.parametrize(
    ("clock", "works"),
    [
        ("12:59:59.999", False),
        ("13:00", True),
        ("14:00", True),
        ("14:37", True),
        ("15:59:59.999", True),
        ("16:00", False),
    ],
)
def test_a_link_of_14_works_from_13_until_16(clock: str, works: bool) -> None:
    hours, minutes, seconds = [*map(float, clock.split(":")), 0.0][:3]
    midnight = HOUR // 24 * 24 * 3600
    made = link(hour=midnight // 3600 + 14)
    now = midnight + hours * 3600 + minutes * 60 + seconds
    if works:
        assert signer.verify(*made, now) == ("acme", CALL_ID)
    else:
        assert refusal(*made, now=now).message == "ts expired"


def test_the_clock_is_read_where_no_time_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    assert signer.url(CALL_ID) == signer.url(CALL_ID, now=NOW)
    assert signer.verify(*link()) == ("acme", CALL_ID)


class TestRotation:
    old, new = "the-secret-of-last-year", "the-secret-of-this-year"

    def test_the_first_secret_signs(self) -> None:
        both = LinkSigner([self.new, self.old], customer_id="acme")
        only_new = LinkSigner(self.new, customer_id="acme")
        assert both.url(CALL_ID, now=NOW) == only_new.url(CALL_ID, now=NOW)

    def test_every_secret_verifies(self) -> None:
        both = LinkSigner([self.new, self.old], customer_id="acme")
        for secret in (self.new, self.old):
            made = LinkSigner(secret, customer_id="acme").url(CALL_ID, now=NOW)
            assert both.verify(*parse_url(made), NOW) == ("acme", CALL_ID)

    def test_a_retired_secret_does_not(self) -> None:
        made = LinkSigner(self.old, customer_id="acme").url(CALL_ID, now=NOW)
        with pytest.raises(LinkError, match="invalid signature"):
            LinkSigner(self.new, customer_id="acme").verify(*parse_url(made), NOW)


class TestSeveralCustomers:
    signers: ClassVar = {
        "acme": signer,
        "globex": LinkSigner("a-secret-of-globex", customer_id="globex", base_url=BASE),
    }

    @pytest.mark.parametrize("customer_id", ["acme", "globex"])
    def test_each_link_is_checked_by_its_customers_signer(
        self, customer_id: str
    ) -> None:
        made = self.signers[customer_id].url(CALL_ID, now=NOW)
        assert verify(self.signers, *parse_url(made), NOW) == (customer_id, CALL_ID)

    def test_swapping_the_customer_is_refused(self) -> None:
        call_hash, query = link()
        with pytest.raises(LinkError) as caught:
            verify(self.signers, call_hash, query | {"cid": "globex"}, NOW)
        assert (caught.value.status, caught.value.message) == (401, "invalid signature")

    def test_an_unknown_customer_gets_the_answer_of_a_wrong_signature(self) -> None:
        call_hash, query = link()
        errors = []
        for spoilt in ({"cid": "initech"}, {"sig": "0" * 32}):
            with pytest.raises(LinkError) as caught:
                verify(self.signers, call_hash, query | spoilt, NOW)
            errors.append(vars(caught.value))
        assert errors[0] == errors[1]

    def test_an_unknown_customer_costs_the_same_work(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []

        def signature(mac: object, message: str) -> str:
            made.append(message)
            return "0" * 32

        monkeypatch.setattr("flask_sipvault.access.links._signature", signature)
        call_hash, query = link()
        made.clear()
        for spoilt in ({"cid": "initech"}, {"sig": "1" * 32}):
            with pytest.raises(LinkError):
                verify(self.signers, call_hash, query | spoilt, NOW)
        assert made == [f"{CALL_ID}:{HOUR}"] * 2

    @pytest.mark.parametrize("query", [{}, {"sig": "0"}, {"sig": "0", "cid": ["", ""]}])
    def test_a_link_without_a_customer_is_still_answered(self, query: Any) -> None:
        with pytest.raises(LinkError) as caught:
            verify(self.signers, "", query, NOW)
        assert caught.value.status in (400, 401)


class TestParseUrl:
    @pytest.mark.parametrize(
        "before", ["", BASE, "https://host.example/a/prefix", "http://[2001:db8::1]:80"]
    )
    @pytest.mark.parametrize("after", ["", "/", "/call.json", "/capture.pcapng"])
    def test_a_link_is_read_wherever_it_is_mounted(
        self, before: str, after: str
    ) -> None:
        query = {"cid": ["acme"], "ts": ["1"]}
        url = f"{before}/call/0123456789abcdef{after}?cid=acme&ts=1"
        assert parse_url(f" {url}\n") == ("0123456789abcdef", query)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hello",
            BASE,
            f"{BASE}/call/",
            f"{BASE}/other/0123?sig=1",
            "http://[::1",
            "/call/0?callid=%FF",
            "/call/%FF",
        ],
    )
    def test_what_is_no_link_is_refused_with_a_reason(self, url: str) -> None:
        with pytest.raises(LinkError) as caught:
            parse_url(url)
        assert caught.value.status == 400
        assert caught.value.detail

    @given(st.text())
    def test_any_text_is_a_link_or_a_link_error(self, text: str) -> None:
        for url in (text, f"/call/{text}", f"/call/0?sig={text}"):
            try:
                call_hash, query = parse_url(url)
                signer.verify(call_hash, query, NOW)
            except LinkError as error:
                assert error.status in (400, 401, 403)


class TestWhatCannotBeSigned:
    @pytest.mark.parametrize(
        ("call_id", "why"),
        [
            ("", "empty"),
            ("x" * (MAX_CALL_ID_BYTES + 1), "512 bytes"),
            ("é" * 257, "512 bytes"),
            ("a\tb", "control"),
            ("\ud800", "Unicode"),
            (None, "NoneType"),
            (4711, "int"),
        ],
    )
    def test_a_call_id_that_would_be_refused(self, call_id: Any, why: str) -> None:
        with pytest.raises(CallIdError, match=why):
            signer.url(call_id)

    def test_the_longest_call_id_can(self) -> None:
        longest = "é" * (MAX_CALL_ID_BYTES // 2)
        assert signer.verify(*link(longest), NOW) == ("acme", longest)


class TestSecrets:
    @pytest.mark.parametrize(
        "secret",
        [
            "",
            "  ",
            "\n",
            " padded",
            "padded ",
            "padded\n",
            "\tpadded",
            "padded\u00a0",
            "YOUR_HMAC_SECRET_HERE",
            "your_hmac_secret_here",
            "your-hmac-secret-here",
            "<your secret here>",
            "changeme",
            "Change-Me!",
            "lone\udcffsurrogate",
        ],
    )
    def test_a_secret_that_must_not_be_used_is_refused(self, secret: str) -> None:
        for secrets in (secret, [secret], ["a-good-secret", secret]):
            with pytest.raises(SecretError) as caught:
                LinkSigner(secrets, customer_id="acme")
            assert not secret.strip() or secret not in str(caught.value)

    @pytest.mark.parametrize("secret", [[], None, b"bytes", [None], 12345678])
    def test_what_is_no_secret_is_refused(self, secret: Any) -> None:
        with pytest.raises(SecretError):
            LinkSigner(secret, customer_id="acme")

    def test_the_signer_does_not_show_its_secret(self) -> None:
        assert SECRET not in repr(signer)
        assert "acme" in repr(signer)


def test_a_slash_after_the_base_url_makes_no_double_slash() -> None:
    slashed = LinkSigner(SECRET, customer_id="acme", base_url=f"{BASE}/vault/")
    assert slashed.url(CALL_ID).startswith(f"{BASE}/vault/call/")


def test_without_a_base_url_a_link_starts_at_its_path() -> None:
    bare = LinkSigner(SECRET, customer_id="acme")
    assert BASE + bare.url(CALL_ID, now=NOW) == signer.url(CALL_ID, now=NOW)


call_ids = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128
)


def encodings(call_id: str) -> Iterator[str]:
    """A Call-ID as generators of several languages percent-encode it."""
    yield quote(call_id)
    yield quote(call_id, safe="")
    yield quote(call_id, safe="!*'()")
    yield quote(call_id, safe="/").replace("%20", "+")
    yield "".join(f"%{byte:02x}" for byte in call_id.encode())


@given(call_ids)
def test_any_call_id_comes_back_whatever_the_encoding(call_id: str) -> None:
    url = signer.url(call_id, now=NOW)
    assert f"&callid={quote(call_id)}&" in url
    for encoded in encodings(call_id):
        variant = url.replace(f"&callid={quote(call_id)}&", f"&callid={encoded}&")
        assert signer.verify(*parse_url(variant), NOW) == ("acme", call_id)


@given(
    call_id=call_ids,
    name=st.sampled_from(["callid", "ts", "sig"]),
    data=st.data(),
)
def test_changing_one_character_anywhere_is_refused(
    call_id: str, name: str, data: st.DataObject
) -> None:
    call_hash, query = link(call_id)
    value = query[name]
    at = data.draw(st.integers(0, len(value) - 1))
    alphabet = {"callid": st.characters(), "ts": st.sampled_from(string.digits)}
    new = data.draw(alphabet.get(name, st.sampled_from(string.printable)))
    assume(new != value[at])
    query[name] = value[:at] + new + value[at + 1 :]
    assert refusal(call_hash, query).status in (400, 401)
