from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from flask_sipvault.vault import s3
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.s3 import S3Store

#: All that is asked of a store.
CALLS: list[Callable[[S3Store], object]] = [
    lambda store: store.list("calls/"),
    lambda store: store.get("calls/a.zip"),
    lambda store: store.put("calls/a.zip", b"x"),
    lambda store: store.delete("calls/a.zip"),
    lambda store: store.check(),
]


@pytest.fixture(params=CALLS, ids=["list", "get", "put", "delete", "check"])
def call(request: pytest.FixtureRequest) -> Callable[[S3Store], object]:
    """Anything that may be asked of a store."""
    asked: Callable[[S3Store], object] = request.param
    return asked


@pytest.fixture
def answering() -> Iterator[Callable[[bytes | None], str]]:
    """Starts a server that answers everything with these bytes, or never (None)."""
    listeners: list[socket.socket] = []
    held: list[socket.socket] = []

    def serve(listener: socket.socket, answer: bytes | None) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                held.append(connection)
                continue
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    def start(answer: bytes | None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in held:
        connection.close()


def store_at(endpoint: str, **changes: Any) -> closing[S3Store]:
    options = {"access_key": "someaccess", "secret_key": "Geheimnis", **changes}
    return closing(S3Store("calls", endpoint=endpoint, **options))


def test_a_missing_bucket_is_said(
    s3_server: Any, call: Callable[[S3Store], object]
) -> None:
    with (
        closing(s3_server.store("no-such-bucket-here")) as store,
        pytest.raises(StoreError, match=r"no-such-bucket-here.*no such bucket"),
    ):
        call(store)


def test_a_wrong_secret_is_said_and_not_shown(
    strict_server: Any, call: Callable[[S3Store], object]
) -> None:
    bucket = strict_server.new_bucket()
    with closing(strict_server.store(bucket, secret_key="notthesecret")) as store:
        with pytest.raises(StoreError, match="secret key is wrong") as raised:
            call(store)
        assert "notthesecret" not in str(raised.value)
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_an_unknown_access_key_is_said(strict_server: Any) -> None:
    bucket = strict_server.new_bucket()
    with (
        closing(strict_server.store(bucket, access_key="nobodysaccess01")) as store,
        pytest.raises(StoreError, match="access key is unknown"),
    ):
        store.list("")


def test_a_server_that_was_stopped_is_an_error_within_seconds(
    start_rclone: Callable[[], tuple[Any, subprocess.Popen[bytes]]],
    call: Callable[[S3Store], object],
) -> None:
    server, process = start_rclone()
    with closing(server.store(server.new_bucket())) as store:
        store.check()
        process.kill()
        process.wait()
        started = time.monotonic()
        with pytest.raises(StoreError, match="see whether the server runs"):
            call(store)
        assert time.monotonic() - started < 5


def test_a_part_is_sent_in_one_go() -> None:
    """boto3 would ask the server first whether it will take it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        port = listener.getsockname()[1]
        with store_at(f"http://127.0.0.1:{port}") as store:
            sending = threading.Thread(target=store.put, args=("a.zip", b"the part"))
            sending.start()
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                request = b""
                while not request.endswith(b"\r\n\r\nthe part"):
                    request += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            sending.join()
    assert b"expect" not in request.lower()


def test_a_server_that_never_answers_is_an_error(
    answering: Callable[[bytes | None], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_READ_SECONDS", 0.2)
    with (
        store_at(answering(None)) as store,
        pytest.raises(StoreError, match="no answer within"),
    ):
        store.get("calls/a.zip")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not even HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>hi!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<a><Contents/></a",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n<a><Contents/></a>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n<html><p>Log in!</p>  </html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 39\r\n\r\n"
        b"<a><Name>calls</Name><Contents/>    </a>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\ncut off",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nnone",
    ],
)
def test_what_is_no_s3_server_is_an_error(
    answering: Callable[[bytes | None], str], answer: bytes
) -> None:
    with store_at(answering(answer)) as store, pytest.raises(StoreError):
        store.list("calls/")


def test_an_object_that_breaks_off_is_an_error(
    answering: Callable[[bytes | None], str],
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\ncut off"
    with store_at(answering(answer)) as store, pytest.raises(StoreError):
        store.get("calls/a.zip")


def test_a_missing_bucket_is_never_taken_for_a_missing_object(s3_server: Any) -> None:
    with (
        closing(s3_server.store("no-such-bucket-here")) as store,
        pytest.raises(StoreError),
    ):
        store.get("calls/a.zip")


def test_an_object_over_the_limit_is_not_read(
    s3_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_store.put("calls/a.zip", b"123456789")
    monkeypatch.setattr(s3, "MAX_OBJECT", 8)
    with pytest.raises(StoreError, match="too large"):
        s3_store.get("calls/a.zip")


def test_without_keys_boto3_looks_for_them_itself(
    strict_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made with keys, so that the bucket's owner is the same.
    bucket = strict_server.new_bucket()
    with closing(strict_server.store(bucket)) as given:
        given.put("calls/a.zip", b"x")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", given._access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given._secret_key)
    with closing(S3Store(bucket, endpoint=strict_server.endpoint)) as store:
        assert store.get("calls/a.zip") == b"x"


def test_no_keys_anywhere_is_said(
    monkeypatch: pytest.MonkeyPatch, answering: Callable[[bytes | None], str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with (
        store_at(answering(b""), access_key=None, secret_key=None) as store,
        pytest.raises(StoreError, match="no credentials were found"),
    ):
        store.check()


def test_an_endpoint_that_is_no_url_is_an_error() -> None:
    with store_at("localhost") as store, pytest.raises(StoreError):
        store.check()


def test_the_location_shows_no_password() -> None:
    store = S3Store("calls", endpoint="https://user:Geheimnis@s3.example.net:8443/x")
    assert store.location == "bucket calls at https://s3.example.net:8443/x"


def test_amazon_needs_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(
        S3Store("calls", region="sa-east-1", access_key="a" * 16, secret_key="s")
    ) as store:
        assert store._client.meta.endpoint_url == "https://s3.sa-east-1.amazonaws.com"
        assert store.location == "bucket calls at Amazon S3"


def test_threads_share_one_client(
    monkeypatch: pytest.MonkeyPatch, moto_server: Any
) -> None:
    made = []
    session = boto3.session.Session

    def counted() -> Any:
        made.append(1)
        return session()

    bucket = moto_server.new_bucket()
    monkeypatch.setattr(boto3.session, "Session", counted)
    with closing(moto_server.store(bucket)) as store:
        assert made == []
        threads = [threading.Thread(target=store.list, args=("",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [1]
