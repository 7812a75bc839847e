"""Objects in a bucket of S3, or of a server that speaks its protocol."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectTimeoutError
from botocore.exceptions import EndpointConnectionError
from botocore.exceptions import NoCredentialsError
from botocore.exceptions import PartialCredentialsError
from botocore.exceptions import ReadTimeoutError
from botocore.parsers import ResponseParserError

from .objects import MAX_OBJECT
from .objects import StoredObject
from .objects import StoreError

#: Somebody waits for the page: better a clear error soon than a page late. Two attempts
#: get over a dropped connection; the collector has its own, longer patience.
_CONNECT_SECONDS = 3
_READ_SECONDS = 10
_ATTEMPTS = 2

#: Parts are fetched several at once, by every request at work.
_CONNECTIONS = 32

#: So many objects are sent at once.
_PUTS = 8

_KEYS = "check SIPVAULT_S3_ACCESS_KEY and SIPVAULT_S3_SECRET_KEY"
_REMEDIES = {
    "NoSuchBucket": "there is no such bucket: make it, or correct its name",
    "AccessDenied": "access denied: let the key list, read, write and delete there",
    "AllAccessDisabled": "access denied: the account is disabled",
    "SignatureDoesNotMatch": f"the secret key is wrong: {_KEYS}",
    "InvalidAccessKeyId": f"the access key is unknown: {_KEYS}",
    "RequestTimeTooSkewed": "the clocks differ too much: set this host's clock",
    "AuthorizationHeaderMalformed": "the region is wrong: set SIPVAULT_S3_REGION",
    "PermanentRedirect": "the region is wrong: set SIPVAULT_S3_REGION",
    "SlowDown": "the server asks for fewer requests: try again",
}

#: Of botocore: ValueError for a bucket or an endpoint that no URL can be made of,
#: KeyError and RecursionError at answers of what is no S3 server (it follows the
#: redirection to a login page for ever).
_OTHER_ERRORS = (
    *(BotoCoreError, ResponseParserError),
    *(ValueError, KeyError, RecursionError),
)

_USERINFO = re.compile("//[^/]*@")


class S3Store:
    """Objects in a bucket.

    :param endpoint: URL of a server other than Amazon's.
    :param access_key: without it boto3 looks where it always does (environment,
        ``~/.aws``, the machine's role).
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> None:
        self.bucket = bucket
        self.endpoint = endpoint
        self._region = region
        self._access_key = access_key
        self._secret_key = secret_key
        self._lock = threading.Lock()
        self._made: Any = None

    @property
    def location(self) -> str:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        if self.endpoint is None:
            return f"bucket {self.bucket} at Amazon S3"
        # Somebody may have put a password into the URL.
        return f"bucket {self.bucket} at {_USERINFO.sub('//', self.endpoint)}"

    def list(self, prefix: str, start_after: str = "") -> list[StoredObject]:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, StartAfter=start_after
            )
            return [
                StoredObject(item["Key"], item["Size"], item["ETag"].strip('"'))
                for page in pages
                for item in self._listed(page)
            ]

    def get(self, key: str) -> bytes | None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] > MAX_OBJECT:
                    raise StoreError(
                        f"{key} in {self.location} is too large to be a part of a call"
                    )
                data: bytes = body.read()
                return data

    def put(self, key: str, data: bytes) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        with self._translated():
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        with ThreadPoolExecutor(_PUTS) as pool:
            answers = [pool.submit(self.put, *item) for item in objects.items()]
            try:
                for answer in answers:
                    answer.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def delete(self, key: str) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        with self._translated():
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def check(self) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`.

        A listing, because the answer to HEAD has no body to say what is wrong.
        """
        with self._translated():
            self._listed(self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1))

    def _listed(self, page: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """The objects on a page of a listing. botocore takes any XML for one, a login
        page too, and that must not look like an empty bucket.
        """
        if page.get("Name") != self.bucket:
            raise StoreError(f"{self.location}: what answers there is no S3 server")
        objects: Iterable[dict[str, Any]] = page.get("Contents", [])
        return objects

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    @property
    def _client(self) -> Any:
        """One client for all threads, made when it is first needed: a process that
        forks its workers must not share connections with them.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make_client()
            return self._made

    def _make_client(self) -> Any:
        foreign = self.endpoint is not None
        config = Config(
            signature_version="s3v4",
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_CONNECTIONS,
            # In the server's log, and quicker than boto3's own, made for each request.
            user_agent="flask_sipvault",
            # A server on an IP address has no host name for each bucket.
            s3={"addressing_style": "path" if foreign else "auto"},
            # boto3's own checksums are Amazon's; others' servers answer without or
            # with wrong ones (rclone), and the part has its own CRCs.
            request_checksum_calculation="when_required" if foreign else None,
            response_checksum_validation="when_required" if foreign else None,
        )
        # A session of its own: the default one is not safe to use from threads.
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            # A signature needs a region; other servers mostly take any.
            region_name=self._region or ("us-east-1" if foreign else None),
            aws_access_key_id=self._access_key,
            aws_secret_access_key=self._secret_key,
            config=config,
        )
        client.meta.events.register("before-sign.s3.PutObject", _send_at_once)
        return client

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """botocore's many errors as the store's one. Neither its texts nor the errors
        themselves are passed on: they may hold URLs and keys.
        """
        try:
            yield
        except ClientError as error:
            code = _code(error)
            reason = _REMEDIES.get(code, f"the server answered {code}")
        except (EndpointConnectionError, ConnectTimeoutError):
            reason = "nobody answers there: see whether the server runs"
        except ReadTimeoutError:
            reason = f"no answer within {_READ_SECONDS} s: try again"
        except (NoCredentialsError, PartialCredentialsError):
            reason = f"no credentials were found: {_KEYS}"
        except _OTHER_ERRORS as error:
            reason = f"it cannot be used ({type(error).__name__})"
        else:
            return
        raise StoreError(f"{self.location}: {reason}") from None


def _code(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    return str(code) or "an error"


def _send_at_once(request: Any, **_: object) -> None:
    """A part is small: to ask the server first whether it will take it (``Expect:
    100-continue``, which boto3 does of every body) costs more than to send it.
    """
    del request.headers["Expect"]
