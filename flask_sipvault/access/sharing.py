"""The shared link: a token that lets whoever has it see one call, for a while.

Unlike the signed link it is meant for people whom the host does not know. What a link
opens is kept in the customer's vault, under a hash of the token, so that one link can
be revoked alone. A token tells nothing of call or customer: a Call-ID often ends in the
name or address of a host, which a masked link must not give away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from ..language import N_
from ..vault.objects import StoreError
from ..vault.shared_links import SharedLink
from .links import call_id_problem
from .links import CallIdError
from .links import LinkError

if TYPE_CHECKING:
    from ..vault.vault import Vault

logger = logging.getLogger("flask_sipvault.dashboard")

#: How many links of one call may work at once: whoever may share it could fill the
#: store otherwise.
MAX_LINKS = 50

_DAY = 86_400
_PURPOSE = b"flask-sipvault.share.v2:"

#: What a token is made of, in bytes: as base64 they fill it, so that each token is
#: written in one way only.
_ID, _UNTIL, _TAG = 20, 5, 17
_TOKEN_LENGTH = 56

#: How much of a token is kept, to tell the link by, in characters. The rest of its id
#: cannot be guessed, and the tag needs the key.
_LABEL_LENGTH = 6

#: So many openings are remembered as noted, lest each be written to the store.
_MOST_NOTED = 10_000


@dataclass(frozen=True)
class ShareSettings:
    """Whether calls may be shared, and for how long.

    :param max_days: the longest life of a shared link; 0: there is no sharing.
    :param key: signs shared links; empty where there is no sharing.
    :param unguarded: whether whole calls may be shared though no guard of the host
        looks at who does it.
    """

    max_days: int = 0
    key: str = field(default="", repr=False)
    unguarded: bool = False


class TooManyLinksError(Exception):
    """As many links of the call work as may."""


class NothingStoredError(Exception):
    """There is nothing of the call that a link could open."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a shared link opens.

    :param masked: whether only the masked call may be seen.
    :param until: when it stops working, in seconds since the epoch.
    :param link: what is kept of it.
    """

    customer_id: str
    call_id: str
    masked: bool
    until: int
    link: SharedLink


class ShareTokens:
    """Makes and reads the tokens of shared links.

    A token holds a random id, when the link ends, and an HMAC over both and the
    customer's id. The last tells whose link it is, without naming the customer to
    anybody who has not the key, and refuses what was not made here before the store is
    asked.
    """

    def __init__(self, key: str, customers: Iterable[str]) -> None:
        self._key = key.encode()
        self._customers = tuple(customers)

    def make(self, customer_id: str, until: int) -> str:
        """A token, safe in a URL.

        :param until: when the link ends, in seconds since the epoch.
        """
        body = secrets.token_bytes(_ID) + until.to_bytes(_UNTIL, "big")
        return base64.urlsafe_b64encode(body + self._tag(customer_id, body)).decode()

    def read(self, token: str) -> tuple[str, str, int]:
        """The customer, the link's name, and when it ends.

        :raises LinkError: 401, if the token was not made with this key.
        """
        if len(token) != _TOKEN_LENGTH:
            raise refused_share()
        try:
            raw = base64.b64decode(token.encode("ascii"), b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise refused_share() from None
        body, tag = raw[: _ID + _UNTIL], raw[_ID + _UNTIL :]
        owner = None
        # Each is compared, so that the time taken does not tell which it was.
        for customer_id in self._customers:
            if hmac.compare_digest(self._tag(customer_id, body), tag):
                owner = customer_id
        if owner is None:
            raise refused_share()
        return owner, share_name(token), int.from_bytes(body[_ID:], "big")

    def _tag(self, customer_id: str, body: bytes) -> bytes:
        message = _PURPOSE + body + customer_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")[:_TAG]


class Shares:
    """The shared links of all customers.

    :param vault: gives a customer's vault.
    """

    def __init__(
        self,
        settings: ShareSettings,
        customers: Iterable[str],
        vault: Callable[[str], Vault],
    ) -> None:
        self._settings = settings
        self._tokens = ShareTokens(settings.key, customers)
        self._vault = vault
        self._noted: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    @property
    def allowed(self) -> bool:
        """Whether calls may be shared."""
        return self._settings.max_days > 0

    @property
    def longest(self) -> int:
        """The longest life of a link, in seconds."""
        return self._settings.max_days * _DAY

    def make(
        self,
        customer_id: str,
        call_id: str,
        *,
        seconds: int,
        masked: bool,
        now: float | None = None,
    ) -> str:
        """The token of a link to one call.

        :param seconds: how long it shall work.
        :param now: seconds since the epoch; the clock's if not given.
        :raises ValueError: for a longer life than the settings allow, or none.
        :raises CallIdError: if no link can be made for this Call-ID.
        :raises NothingStoredError: if nothing is stored of the call.
        :raises TooManyLinksError: if there are as many links of the call as may be.
        :raises flask_sipvault.vault.objects.StoreError: if it cannot be kept.
        """
        if not 0 < seconds <= self.longest:
            raise ValueError("no shared link may live that long")
        problem = call_id_problem(call_id)
        if problem:
            raise CallIdError(f"no token can be made: the Call-ID {problem}")
        vault = self._vault(customer_id)
        day = vault.newest_day(call_id)
        if day is None:
            raise NothingStoredError
        if len(self.of_call(customer_id, call_id, now=now)) >= MAX_LINKS:
            raise TooManyLinksError
        made = int(time.time() if now is None else now)
        until = made + seconds
        token = self._tokens.make(customer_id, until)
        vault.shared_links.put(
            SharedLink(
                name=share_name(token),
                label=token[:_LABEL_LENGTH],
                customer_id=customer_id,
                call_id=call_id,
                masked=masked,
                made=made,
                until=until,
            ),
            day,
        )
        return token

    def open(self, token: str, *, now: float | None = None) -> Share:
        """What a link opens.

        :param now: seconds since the epoch; the clock's if not given.
        :raises LinkError: 401, if the token is not genuine, revoked, or old.
        :raises flask_sipvault.vault.objects.StoreError: if there is no telling.
        """
        if not self.allowed:
            raise refused_share()
        customer_id, name, until = self._tokens.read(token)
        at = time.time() if now is None else now
        if at >= until:
            raise _expired_share()
        link = self._vault(customer_id).shared_links.get(name, until)
        if link is None or link.customer_id != customer_id:
            raise LinkError(
                401,
                "share revoked",
                "share_revoked",
                N_(
                    "It worked once, and was taken back, or the call is not kept any"
                    " more. Ask whoever sent it to share the call once more."
                ),
            )
        if at >= self._end(link):
            raise _expired_share()
        return Share(customer_id, link.call_id, link.masked, self._end(link), link)

    def note_opened(self, share: Share, *, now: float | None = None) -> None:
        """Keep that the link is opened today. If that fails it opens all the same."""
        at = time.time() if now is None else now
        today = share.link.name, int(at // _DAY)
        with self._lock:
            if today in self._noted:
                return
            if len(self._noted) >= _MOST_NOTED:
                self._noted.clear()
            self._noted.add(today)
        links = self._vault(share.customer_id).shared_links
        try:
            links.note_opened(share.link, at)
        except StoreError as error:
            logger.warning("that a shared link was opened cannot be kept: %s", error)
            with self._lock:
                self._noted.discard(today)

    def of_call(
        self, customer_id: str, call_id: str, *, now: float | None = None
    ) -> list[SharedLink]:
        """The links to a call that still work, the latest first.

        :raises flask_sipvault.vault.objects.StoreError: if they cannot be found.
        """
        at = time.time() if now is None else now
        links = self._vault(customer_id).shared_links.of_call(call_id)
        return [link for link in links if at < self._end(link)]

    def revoke(self, customer_id: str, call_id: str, name: str) -> bool:
        """Have one link open nothing any more; False if the call has no such link.

        :raises flask_sipvault.vault.objects.StoreError: if that cannot be done.
        """
        return self._vault(customer_id).shared_links.revoke(call_id, name)

    def _end(self, link: SharedLink) -> int:
        # Whoever lowers the maximum means the links that are out there as well.
        return min(link.until, link.made + self.longest)


def share_name(token: str) -> str:
    """What the link is called in the vault, out of which nobody makes the token."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def refused_share() -> LinkError:
    """What there is to say of a token that opens nothing, for whatever reason."""
    return LinkError(
        401,
        "invalid share",
        "invalid_share",
        N_("Ask whoever sent it to share the call once more."),
    )


def _expired_share() -> LinkError:
    return LinkError(
        401,
        "share expired",
        "share_expired",
        N_(
            "It was made for a limited time, which is over. Ask whoever sent it"
            " to share the call once more."
        ),
    )
