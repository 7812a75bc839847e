"""The shared link: a token that lets whoever has it see one call, for a while.

Unlike the signed link it is meant for people whom the host does not know. Nothing is
stored of it: its key opens it, and another key opens none of the links made before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadData
from itsdangerous import Signer
from itsdangerous.encoding import base64_decode
from itsdangerous.encoding import base64_encode

from ..config.sharing import ShareSettings
from ..language import N_
from .links import call_id_problem
from .links import CallIdError
from .links import LinkError

_DAY = 86_400

_PURPOSE = "flask-sipvault.share.v1"
_NONCE_BYTES = 16

#: Longer than any that could be made here.
_MAX_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Share:
    """What a shared link opens.

    :param masked: whether only the masked call may be seen.
    :param until: when it stops working, in seconds since the epoch.
    """

    customer_id: str
    call_id: str
    masked: bool
    until: int


class ShareTokens:
    """Makes and opens the tokens of shared links.

    A Call-ID often ends in the name or address of a host, which a masked link must not
    give away. So what a token holds is sealed: each with a keystream of its own, HMAC
    of a nonce, under a signature over the whole.
    """

    def __init__(self, settings: ShareSettings) -> None:
        self._max_days = settings.max_days
        self._key = settings.key.encode()

    @property
    def allowed(self) -> bool:
        """Whether calls may be shared."""
        return self._max_days > 0

    @property
    def longest(self) -> int:
        """The longest life of a link, in seconds."""
        return self._max_days * _DAY

    def make(
        self,
        customer_id: str,
        call_id: str,
        *,
        seconds: int,
        masked: bool,
        now: float | None = None,
    ) -> str:
        """A token for one call, safe in a URL.

        :param seconds: how long it shall work.
        :param now: seconds since the epoch; the clock's if not given.
        :raises ValueError: for a longer life than the settings allow, or none.
        :raises flask_sipvault.access.links.CallIdError: if no link can be made for this
            Call-ID.
        """
        if not 0 < seconds <= self.longest:
            raise ValueError("no shared link may live that long")
        problem = call_id_problem(call_id)
        if problem:
            raise CallIdError(f"no token can be made: the Call-ID {problem}")
        made = int(time.time() if now is None else now)
        content = json.dumps([customer_id, call_id, int(masked), made, seconds])
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._crypt(nonce, content.encode())
        return self._signer().sign(base64_encode(sealed)).decode()

    def open(self, token: str, *, now: float | None = None) -> Share:
        """What a token was made for.

        :param now: seconds since the epoch; the clock's if not given.
        :raises LinkError: 401, if the token is not genuine, revoked, or old.
        """
        if not self.allowed or len(token) > _MAX_TOKEN:
            raise refused_share()
        try:
            sealed = base64_decode(self._signer().unsign(token))
        except BadData:
            raise refused_share() from None
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        customer_id, call_id, masked, made, seconds = json.loads(
            self._crypt(nonce, content)
        )
        # Whoever lowers the maximum means the links that are out there as well.
        until = made + min(seconds, self.longest)
        if (time.time() if now is None else now) >= until:
            raise LinkError(
                401,
                "share expired",
                "share_expired",
                N_(
                    "It was made for a limited time, which is over. Ask whoever sent it"
                    " to share the call once more."
                ),
            )
        return Share(customer_id, call_id, bool(masked), until)

    def _signer(self) -> Signer:
        return Signer(
            self._key,
            salt=_PURPOSE,
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def _crypt(self, nonce: bytes, content: bytes) -> bytes:
        """Seal or unseal: XOR with HMAC-SHA256 of the nonce and a counter."""
        stream = b""
        for block in range(len(content) // 32 + 1):
            message = f"{_PURPOSE}:seal:{block}:".encode() + nonce
            stream += hmac.digest(self._key, message, "sha256")
        return bytes(a ^ b for a, b in zip(content, stream, strict=False))


def refused_share() -> LinkError:
    """What there is to say of a token that opens nothing, for whatever reason."""
    return LinkError(
        401,
        "invalid share",
        "invalid_share",
        N_("Ask whoever sent it to share the call once more."),
    )
