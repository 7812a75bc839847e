"""The deep link: a signed URL that opens one call, and the proof that it is genuine.

The wire format is the original product's, version 1: generators that others run in
PHP, Node and Python keep working.

=========  =====================================================================
call_hash  the first 16 hex digits of SHA-256(Call-ID)
ts         the hour: Unix time in seconds, integer-divided by 3600
sig        the first 32 hex digits of HMAC-SHA256(secret, ``{Call-ID}:{ts}``)
URL        ``{base}/call/{call_hash}?cid={customer}&callid={Call-ID}&ts={ts}&sig={sig}``
=========  =====================================================================

``cid`` is not signed. That is why every customer has a secret of its own, and why a
signer serves one customer.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Literal
from urllib.parse import parse_qs
from urllib.parse import quote
from urllib.parse import unquote
from urllib.parse import urlsplit

from ..evidence import call_hash as hash_of
from ..language import N_

#: A link works in its own hour, and in this many hours before and after it.
HOURS_OF_GRACE = 1

MAX_CALL_ID_BYTES = 512

#: Enough for a hundred thousand years, and short enough for int() on any input.
_MAX_TS_DIGITS = 10
_SIGNATURE_DIGITS = 32
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINK_PATH = re.compile(r".*/call/([^/]+)(?:/[^/]*)?")

#: What the guide and people in a hurry leave in place of a secret, in lower case and
#: without punctuation.
_PLACEHOLDERS = frozenset(
    {
        "changeme",
        "changethis",
        "enteryoursecrethere",
        "hmacsecret",
        "hmacsecrethere",
        "insertsecrethere",
        "insertyoursecrethere",
        "myhmacsecret",
        "placeholder",
        "replaceme",
        "replacethis",
        "replacewithyoursecret",
        "secrethere",
        "sipvaulthmacsecret",
        "yourhmacsecret",
        "yourhmacsecrethere",
        "yourhmackeyhere",
        "yoursecret",
        "yoursecrethere",
        "yoursecretkey",
        "yoursecretkeyhere",
        "yoursharedsecret",
        "yoursharedsecrethere",
        "yoursipvaultsecret",
        "yoursipvaulthmacsecret",
    }
)

#: Why a link was refused, for programs. ``expired`` and ``clock_ahead`` share the
#: message ``ts expired``, yet need different advice.
Reason = Literal[
    "missing_signature",
    "bad_parameter",
    "invalid_signature",
    "expired",
    "clock_ahead",
    "hash_mismatch",
    "invalid_click",
    "click_expired",
    "invalid_share",
    "share_expired",
    "share_revoked",
]


class LinkError(Exception):
    """A link, or a click, that does not open the call.

    :param status: the HTTP status of the answer: 400, 401 or 403.
    :param message: what is wrong, in the words of the original product.
    :param reason: the same for programs.
    :param detail: what the operator can do about it, in one or two sentences.
    """

    def __init__(
        self, status: int, message: str, reason: Reason, detail: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason: Reason = reason
        self.detail = detail


class SecretError(ValueError):
    """A secret that must not be used. The message never holds the secret."""


class CallIdError(ValueError):
    """A Call-ID for which no link can be made, because none would be accepted."""


def check_secret(secret: object) -> str:
    """The secret, if it may sign links.

    :raises SecretError: if it is no text, empty, padded with white space (which a
        generator elsewhere would hardly share), or a placeholder.
    """
    if not isinstance(secret, str):
        raise SecretError(f"is {type(secret).__name__}, not text")
    if not secret.strip():
        raise SecretError("is empty")
    if secret != secret.strip():
        raise SecretError("has white space or a line end around it")
    if re.sub(r"[\W_]", "", secret).lower() in _PLACEHOLDERS:
        raise SecretError("is still the placeholder of the guide")
    if not _is_unicode(secret):
        raise SecretError("is not valid UTF-8")
    return secret


class LinkSigner:
    """Makes and checks the links of one customer.

    :param secret: the secret shared with whoever makes links, or several for rotation:
        the first signs, all verify.
    :param customer_id: the value of ``cid``.
    :param base_url: where the dashboard is reached, up to and without ``/call``. Left
        empty, the links start at ``/call``.
    :raises SecretError: see :func:`check_secret`.
    """

    def __init__(
        self, secret: str | Sequence[str], *, customer_id: str, base_url: str = ""
    ) -> None:
        secrets = list(secret) if isinstance(secret, (list, tuple)) else [secret]
        if not secrets:
            raise SecretError("there is no secret to sign with")
        self.customer_id = customer_id
        self.base_url = base_url.rstrip("/")
        # Each is copied for every signature: that is quicker than to begin anew.
        self._macs = [
            hmac.new(check_secret(each).encode(), digestmod="sha256")
            for each in secrets
        ]
        self._before_hash = f"{self.base_url}/call/"
        self._after_hash = f"?cid={quote(customer_id)}&callid="

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(customer_id={self.customer_id!r},"
            f" base_url={self.base_url!r})"
        )

    def url(self, call_id: str, *, now: float | None = None) -> str:
        """A link to the call, good for this hour and the next.

        It is, byte for byte, the one the original product's Python generator makes.

        :param now: seconds since the epoch; the clock's if not given.
        :raises CallIdError: if :meth:`verify` would refuse this Call-ID.
        """
        problem = call_id_problem(call_id)
        if problem:
            raise CallIdError(f"no link can be made: the Call-ID {problem}")
        ts = int((time.time() if now is None else now) // 3600)
        sig = _signature(self._macs[0], f"{call_id}:{ts}")
        return (
            f"{self._before_hash}{hash_of(call_id)}"
            f"{self._after_hash}{quote(call_id)}&ts={ts}&sig={sig}"
        )

    def verify(
        self, call_hash: str, query: Mapping[str, Any], now: float | None = None
    ) -> tuple[str, str]:
        """The customer's id and the Call-ID of a genuine link that is still good.

        :param call_hash: the part of the path after ``/call/``.
        :param query: the decoded query: a mapping to strings or to lists of strings,
            or a MultiDict.
        :param now: seconds since the epoch; the clock's if not given.
        :raises LinkError: for the first thing that is wrong, in this order: no
            signature (401), a parameter that is missing, repeated or malformed (400), a
            wrong signature or another customer (401), a wrong time (401), a path of
            another call (403).
        """
        sig, cid, call_id, ts = _parameters(query)
        # The signature is worked out whoever the customer: see the function `verify`.
        genuine = self._is_genuine(sig, f"{call_id}:{ts}")
        if not genuine or cid != self.customer_id:
            raise LinkError(
                401,
                "invalid signature",
                "invalid_signature",
                N_(
                    "The link was changed on its way, or it was made with a secret that"
                    " differs from this server's. Open the call from the CDR viewer"
                    " again; if that does not help, compare the two secrets, stray"
                    " white space included."
                ),
            )
        _check_hour(int(ts), time.time() if now is None else now)
        if not hmac.compare_digest(_bytes(call_hash), _bytes(hash_of(call_id))):
            raise LinkError(
                403,
                "call_hash does not match token",
                "hash_mismatch",
                N_(
                    "The address names one call and the token another: the link was put"
                    " together wrongly."
                ),
            )
        return cid, call_id

    def _is_genuine(self, sig: str, message: str) -> bool:
        """Tried with every secret, so that the time taken does not tell with which."""
        genuine = False
        given = _bytes(sig)
        for mac in self._macs:
            genuine |= hmac.compare_digest(_signature(mac, message).encode(), given)
        return genuine


def verify(
    signers: Mapping[str, LinkSigner],
    call_hash: str,
    query: Mapping[str, Any],
    now: float | None = None,
) -> tuple[str, str]:
    """Check a link by the signer of the customer it names: see `LinkSigner.verify`.

    An unknown customer and a wrong signature get one answer after the same work, so
    that nobody learns from it who the customers are.

    :param signers: by customer id; at least one.
    """
    cid = _values(query, "cid")
    any_signer = next(iter(signers.values()))
    # Whoever is not the customer's own signer does the work, and refuses the cid.
    signer = signers.get(cid[0], any_signer) if cid else any_signer
    return signer.verify(call_hash, query, now)


def parse_url(url: str) -> tuple[str, dict[str, list[str]]]:
    """The call_hash and the decoded query of a link, for :func:`verify`.

    Generators differ in what they percent-encode; a ``+`` is a space in all of them.

    :raises LinkError: 400 if this is not the address of a call.
    """
    try:
        parts = urlsplit(url.strip())
        query = parse_qs(parts.query, keep_blank_values=True, errors="strict")
        path = _LINK_PATH.fullmatch(unquote(parts.path, errors="strict"))
    except ValueError as error:
        raise LinkError(
            400, "malformed URL", "bad_parameter", f"The URL cannot be read: {error}."
        ) from None
    if path is None:
        raise LinkError(
            400,
            "not a link to a call",
            "bad_parameter",
            N_(
                "The path of a link ends in /call/ and the 16 digits of the call's"
                " hash."
            ),
        )
    return path[1], query


def _signature(mac: hmac.HMAC, message: str) -> str:
    signed = mac.copy()
    signed.update(message.encode())
    return signed.hexdigest()[:_SIGNATURE_DIGITS]


def _values(query: Mapping[str, Any], name: str) -> list[str]:
    getlist = getattr(query, "getlist", None)
    if getlist is not None:
        return list(getlist(name))
    value = query.get(name, [])
    return [value] if isinstance(value, str) else list(value)


def _parameters(query: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """sig, cid, callid and ts: each there once, and well formed."""
    sigs = _values(query, "sig")
    if not any(sigs):
        raise LinkError(
            401,
            "missing signature",
            "missing_signature",
            N_(
                "The link carries no sig parameter: it was cut short, or put together"
                " wrongly. Open the call from the CDR viewer again."
            ),
        )
    cid, call_id, ts = (_only(query, name) for name in ("cid", "callid", "ts"))
    if len(sigs) > 1:
        raise _bad_parameter("sig", "is given more than once")
    problem = call_id_problem(call_id)
    if problem:
        raise _bad_parameter("callid", problem)
    if not (ts.isascii() and ts.isdigit()):
        raise _bad_parameter("ts", "is not a whole number in plain digits")
    if len(ts) > _MAX_TS_DIGITS:
        raise _bad_parameter("ts", f"has more than {_MAX_TS_DIGITS} digits")
    return sigs[0], cid, call_id, ts


def _only(query: Mapping[str, Any], name: str) -> str:
    values = _values(query, name)
    if not values:
        raise _bad_parameter(name, "is missing")
    if len(values) > 1:
        raise _bad_parameter(name, "is given more than once")
    if not values[0]:
        raise _bad_parameter(name, "is empty")
    return values[0]


def _bad_parameter(name: str, problem: str) -> LinkError:
    return LinkError(
        400,
        f"{name} {problem}",
        "bad_parameter",
        f"The link is not well formed: its parameter {name} {problem}.",
    )


def call_id_problem(call_id: object) -> str:
    """What keeps a Call-ID out of a link, as a predicate; empty if nothing does."""
    if not isinstance(call_id, str):
        return f"is {type(call_id).__name__}, not text"
    if not call_id:
        return "is empty"
    # What is printable has neither: that is known at once, and nearly always so.
    if not call_id.isprintable():
        if not _is_unicode(call_id):
            return "is not valid Unicode"
        if _CONTROL.search(call_id):
            return "holds a control character"
    if len(call_id.encode()) > MAX_CALL_ID_BYTES:
        return f"is longer than {MAX_CALL_ID_BYTES} bytes"
    return ""


def _check_hour(hour: int, now: float) -> None:
    hours_ago = int(now // 3600) - hour
    if hours_ago > HOURS_OF_GRACE:
        raise LinkError(
            401,
            "ts expired",
            "expired",
            N_(
                "This link has served its time. Go back to the CDR viewer and click"
                " again."
            ),
        )
    if hours_ago < -HOURS_OF_GRACE:
        raise LinkError(
            401,
            "ts expired",
            "clock_ahead",
            "This link was made in an hour that is still to come here: the clocks of"
            f" the CDR viewer's server and of this one differ by about {-hours_ago}"
            " hours. Have NTP checked on both (chronyc tracking).",
        )


def _is_unicode(text: str) -> bool:
    """Whether it has no lone surrogate, the trace of bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bytes(text: str) -> bytes:
    """For comparison only: any string, without an error."""
    return text.encode("utf-8", "surrogatepass")
