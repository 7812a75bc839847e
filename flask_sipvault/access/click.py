"""The click token: what a CDR row carries, so that its link is signed on the click.

A link is good for an hour or two, but a CDR list stays open all day. The button in the
row therefore does not carry a link. It carries a token that is good for a working day,
and leads to a route of ours that checks it and redirects to a fresh link.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from collections.abc import Sequence

from itsdangerous import BadData
from itsdangerous import TimestampSigner
from itsdangerous.encoding import base64_decode
from itsdangerous.encoding import base64_encode
from itsdangerous.encoding import int_to_bytes

from ..language import N_
from .links import call_id_problem
from .links import CallIdError
from .links import check_secret
from .links import LinkError

#: How long a row of a CDR list can be clicked, in seconds.
WORKING_DAY = 12 * 3600

#: How far the clocks of two servers of one host application may be apart, in seconds.
CLOCK_TOLERANCE = 3600

_PURPOSE = "flask-sipvault.click.v1"


class ClickTokens:
    """Makes and opens the click tokens of every customer.

    Each customer's tokens are signed with a key derived from the customer's own
    secrets: who holds one customer's secret cannot make a token for another. A token
    says in readable form which customer and call it is for, as the page around it does.
    The user it was made for is not in it, but goes into the key.

    :param secrets: each customer's secrets, by customer id: the first signs, all open.
    """

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        # itsdangerous signs with the last of its keys.
        self._keys = {
            customer_id: [check_secret(secret).encode() for secret in reversed(those)]
            for customer_id, those in secrets.items()
        }
        self._nobodys_keys = [os.urandom(32)]

    def for_page(self, customer_id: str, *, identity: str | None = None) -> PageTokens:
        """The tokens of the rows of a page.

        :param identity: whoever is logged in at the host, in any form that stays the
            same all day; None where the host has no login.
        :raises KeyError: if the customer is unknown.
        """
        return PageTokens(_signer(self._keys[customer_id], identity), customer_id)

    def make(
        self, customer_id: str, call_id: str, *, identity: str | None = None
    ) -> str:
        """A token for one call, safe in a URL.

        :raises CallIdError: if no link can be made for this Call-ID.
        :raises KeyError: if the customer is unknown.
        """
        return self.for_page(customer_id, identity=identity).make(call_id)

    def open(
        self, token: str, *, identity: str | None = None, now: float | None = None
    ) -> tuple[str, str]:
        """The customer's id and the Call-ID the token was made for.

        :param identity: as for :meth:`for_page`; a token opens only for its own user.
        :param now: seconds since the epoch; the clock's if not given.
        :raises LinkError: 401, if the token is not genuine, not for this user, or old.
        """
        try:
            customer_id = _decode(token.partition(".")[0])
            keys = self._keys.get(customer_id, self._nobodys_keys)
            value, made = _signer(keys, identity).unsign(token, return_timestamp=True)
            call_id = _decode(value.decode().partition(".")[2])
        except (BadData, UnicodeError):
            raise LinkError(
                401,
                "invalid click",
                "invalid_click",
                N_(
                    "This button was not made for you here. Reload the CDR list and"
                    " click again."
                ),
            ) from None
        age = (time.time() if now is None else now) - made.timestamp()
        if not -CLOCK_TOLERANCE <= age <= WORKING_DAY:
            raise LinkError(
                401,
                "click expired",
                "click_expired",
                N_(
                    "The CDR list was opened too long ago. Reload the CDR list and"
                    " click again."
                ),
            )
        return customer_id, call_id


class PageTokens:
    """Tokens for the calls of one customer, for one user, made in one moment.

    A list may have a thousand rows. What ``TimestampSigner.sign`` would work out for
    each, the key and the time, is worked out once for all of them.
    """

    def __init__(self, signer: TimestampSigner, customer_id: str) -> None:
        self._mac = hmac.new(signer.derive_key(), digestmod=hashlib.sha256)
        self._customer = _encode(customer_id)
        self._timestamp = _encode(int_to_bytes(signer.get_timestamp()))

    def make(self, call_id: str) -> str:
        """A token for one call, safe in a URL.

        :raises CallIdError: if no link can be made for this Call-ID.
        """
        problem = call_id_problem(call_id)
        if problem:
            raise CallIdError(f"no token can be made: the Call-ID {problem}")
        signed = f"{self._customer}.{_encode(call_id)}.{self._timestamp}"
        mac = self._mac.copy()
        mac.update(signed.encode())
        return f"{signed}.{_encode(mac.digest())}"


def _signer(keys: Sequence[bytes], identity: str | None) -> TimestampSigner:
    salt = _PURPOSE if identity is None else f"{_PURPOSE}:{identity}"
    return TimestampSigner(
        list(keys),
        salt=salt.encode("utf-8", "surrogatepass"),
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )


def _encode(value: str | bytes) -> str:
    return base64_encode(value).decode()


def _decode(text: str) -> str:
    return base64_decode(text).decode()
