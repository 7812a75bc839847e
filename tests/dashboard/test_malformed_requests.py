"""Whatever a request brings along, the answer is one of ours, and never a 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import seed
from hypothesis import settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.test import run_wsgi_app

from flask_sipvault import SIPVault

from .calls import small_call
from .conftest import Keep

_HEADERS = (
    *("Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language"),
    *("Authorization", "Cache-Control", "Content-Encoding", "Content-Length"),
    *("Content-Type", "Cookie", "Date", "Expect", "Forwarded", "From", "Host"),
    *("If-Match", "If-Modified-Since", "If-None-Match", "If-Range"),
    *("If-Unmodified-Since", "Origin", "Pragma", "Range", "Referer"),
    *("Sec-Fetch-Site", "Sec-Fetch-Mode", "TE", "Transfer-Encoding", "Upgrade"),
    *("User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix"),
    *("X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Requested-With"),
)

_VALUES = (
    *("", " ", "[", "]", "http://[", "http://[::1", "http://]", "//", "://", "null"),
    *(
        "http://a:b",
        "http://a:99999999",
        "http://\xff",
        "a@b:c",
        ":0",
        "[::1]:x",
        "\xe9",
    ),
    *(
        ";",
        ",",
        ",,,",
        "=",
        "q=",
        "*/*;q=",
        "*/*;q=nan",
        "*/*;q=-1",
        "text/html;q=9e999",
    ),
    *("en;q=x", "en-\xff", "x" * 5000, "-", "a" * 300 + "-b", "pt_BR", "*;q=0", "*"),
    *("bytes=", "bytes=-", "bytes=0-", "bytes=9-1", "bytes=a-b", "bytes=0-1,2-3"),
    *("bytes=99999999999999999999-", "rows=0-1", '"', '"a', 'W/"', "W/", '*, "a"'),
    *("Thu, 99 Foo 9999 99:99:99 GMT", "Thu, 01 Jan 99999 00:00:00 GMT", "0", "-1"),
    *("9" * 40, "1e9", "multipart/form-data", "multipart/form-data; boundary="),
    *("multipart/form-data; boundary=\xff", "multipart/form-data; boundary=a"),
    *("application/x-www-form-urlencoded; charset=nonsense", "a/b/c", "a; b=c; d"),
    *("a=b; c", "=;=;=", 'a="', "\x85\xa0", "%", "%zz", "chunked", "gzip", "{}", "\t"),
)

#: Any text that a header can be given: WSGI has it in Latin-1, without line ends.
_LATIN = st.text(
    st.characters(max_codepoint=0xFF, blacklist_characters="\r\n\0"), max_size=60
)


@pytest.fixture
def host(host: Flask) -> Flask:
    """A host that offers to share calls."""
    host.config.update(
        SIPVAULT_SHARE_MAX_DAYS=7,
        SIPVAULT_SHARE_KEY="4f1c2a9be07d83556b1f9ac0de8247a3f0915cbb62e84d17",
    )
    return host


@pytest.fixture
def app(host: Flask) -> Flask:
    vault = SIPVault(host)
    vault.guard(lambda: None)
    return host


@pytest.fixture
def link(keep: Keep) -> str:
    return keep(small_call())


def _addresses(app: Flask, link: str) -> Iterator[tuple[str, str]]:
    """A method and an address for each route of the blueprint."""
    path, _, query = link.partition("?")
    hashed = path.rpartition("/")[2]
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("sipvault."):
            continue
        address = rule.rule.replace("<call_hash>", hashed).replace("<token>", "a.b")
        address = address.replace("<path:filename>", "sipvault.css")
        for method in sorted((rule.methods or set()) & {"GET", "POST", "OPTIONS"}):
            yield method, f"{address}?{query}&left=1&right=2"


def _ask(
    client: FlaskClient, method: str, address: str, headers: list[tuple[str, str]]
) -> int:
    """The status of the answer. Headers go in as a server hands them on, unchecked."""
    data = b"seconds=3600&masked=1" if method == "POST" else None
    form = "application/x-www-form-urlencoded"
    builder = EnvironBuilder(address, method=method, data=data, content_type=form)
    environ = builder.get_environ()
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in _UNPREFIXED else f"HTTP_{key}"] = value
    return _status(client.application, environ)


def _status(app: Flask, environ: dict[str, Any]) -> int:
    body, status, _ = run_wsgi_app(app, environ)
    b"".join(body)
    return int(status.split()[0])


_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")


@pytest.mark.parametrize("name", _HEADERS)
def test_a_malformed_header_gets_an_answer_of_ours(
    name: str,
    app: Flask,
    client: FlaskClient,
    link: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "flask_sipvault")
    # One of each kind of view is enough for most: they share what reads the request.
    addresses = list(_addresses(app, link))
    for number, value in enumerate(_VALUES):
        some = addresses[number % 7 :: 7] + [a for a in addresses if "share?" in a[1]]
        for method, address in some:
            status = _ask(client, method, address, [(name, value)])
            assert status < 500, (method, address, name, value)


@seed(15)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    headers=st.lists(st.tuples(st.sampled_from(_HEADERS), _LATIN), max_size=6),
)
def test_any_headers_get_an_answer_of_ours(
    app: Flask,
    client: FlaskClient,
    link: str,
    data: st.DataObject,
    headers: list[tuple[str, str]],
) -> None:
    method, address = data.draw(st.sampled_from(list(_addresses(app, link))))
    assert _ask(client, method, address, headers) < 500


_PARAMETERS = (
    *("cid", "callid", "ts", "sig", "mask", "with", "hops", "ports", "again", "find"),
    *("from", "level", "log", "source", "line", "axis", "left", "right", "repeats"),
    *("seconds", "masked", "finding", "part", "message"),
)


@seed(15)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    given=st.dictionaries(
        st.sampled_from(_PARAMETERS[4:]) | st.text(max_size=5), st.text(max_size=40)
    ),
)
def test_any_parameters_get_an_answer_of_ours(
    app: Flask,
    client: FlaskClient,
    link: str,
    data: st.DataObject,
    given: dict[str, str],
) -> None:
    method, address = data.draw(st.sampled_from(list(_addresses(app, link))))
    query = urlencode(given)
    assert _ask(client, method, f"{address}&{query}", []) < 500


@seed(15)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.binary(max_size=80), body=st.binary(max_size=80), data=st.data())
def test_any_bytes_as_query_and_form_get_an_answer_of_ours(
    app: Flask,
    client: FlaskClient,
    link: str,
    data: st.DataObject,
    query: bytes,
    body: bytes,
) -> None:
    method, address = data.draw(st.sampled_from(list(_addresses(app, link))))
    kind = data.draw(
        st.sampled_from(
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
        )
    )
    builder = EnvironBuilder(address, method=method, data=body, content_type=kind)
    environ = builder.get_environ()
    environ["QUERY_STRING"] += "&" + query.decode("latin-1").replace("\n", "")
    assert _status(app, environ) < 500
    environ = EnvironBuilder(address, method=method).get_environ()
    environ["QUERY_STRING"] = query.decode("latin-1")
    assert _status(app, environ) < 500


@seed(15)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(max_size=40), data=st.data())
def test_any_path_gets_an_answer(
    app: Flask, client: FlaskClient, data: st.DataObject, path: str
) -> None:
    beginning = data.draw(
        st.sampled_from(
            ["/call/", "/sipvault/shared/", "/sipvault/open/", "/sipvault/"]
        )
    )
    environ = EnvironBuilder("/").get_environ()
    environ["PATH_INFO"] = (
        (beginning + path).encode("utf-8", "replace").decode("latin-1")
    )
    assert _status(app, environ) < 500


def test_a_form_of_no_address_is_not_ours(client: FlaskClient, link: str) -> None:
    form = link.replace("?", "/share?", 1)
    answer = client.post(
        form, data={"seconds": "3600", "masked": "1"}, headers={"Origin": "http://["}
    )
    assert answer.status_code == 403
    assert "another site" in answer.get_data(as_text=True)
