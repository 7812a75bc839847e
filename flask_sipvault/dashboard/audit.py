"""Who opened which call, and what was refused: told to the host by signals, and by one
line each on the logger ``flask_sipvault.audit``.

A line names a call by the hash of its Call-ID, never by the Call-ID itself, which often
holds a host's address, and never by a link, which would open the call: logs are read by
more people than calls. Whoever has the CDR works the hash out.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Sequence
from typing import cast
from typing import Literal
from typing import TypeAlias

from flask import current_app
from flask import Flask
from flask import request

from ..access.failures import Failure
from ..access.failures import Failures
from ..access.links import HOURS_OF_GRACE
from ..access.links import LinkError
from ..access.links import Reason
from ..evidence import call_hash
from ..signals import call_opened
from ..signals import call_refused

logger = logging.getLogger("flask_sipvault.audit")

#: By what a call is opened: the CDR viewer's link, a shared link, or a button's click,
#: which leads to a link.
Right: TypeAlias = Literal["link", "share", "click"]

#: These were genuine once. They are told, and neither counted nor limited: a page that
#: stays open over night goes on asking for more of its call.
_ONCE_GENUINE: frozenset[Reason] = frozenset(
    {"expired", "clock_ahead", "click_expired", "share_expired", "share_revoked"}
)

#: What is part of a page that was told is not told again, for as long as a link lives,
#: in seconds.
_TOLD_SECONDS = (HOURS_OF_GRACE + 1) * 3600

#: So many openings are remembered for that.
_MAX_TOLD = 10_000

#: What others wrote is cut after so many characters.
_MAX_TEXT = 200

_HASH = re.compile("[0-9a-f]{16}")


class Audit:
    """Tells what happens in one app.

    :param user: who is logged in at the host, asked within a request.
    """

    def __init__(self, user: Callable[[], str | None]) -> None:
        self._user = user
        self._failures = Failures()
        self._told: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = threading.Lock()

    def opened(
        self,
        customer_id: str,
        call_id: str,
        *,
        right: Right,
        masked: bool,
        view: str,
        legs: Sequence[str] = (),
        always: bool = True,
    ) -> None:
        """Tell that this request shows a call.

        :param view: what of it is shown.
        :param legs: Call-IDs of the calls beside it.
        :param always: whether to tell it also if the same reader has just opened it.
        """
        # Whoever has a shared link need not be known to the host: it is not asked.
        user = None if right == "share" else self._user()
        name = call_hash(call_id)
        beside = tuple(call_hash(leg) for leg in legs)
        address = request.remote_addr or ""
        opening = (customer_id, call_id, *legs, user, right, masked, address)
        if not always and self._was_told(opening):
            return
        call_opened.send(
            _app(),
            customer_id=customer_id,
            call_hash=name,
            legs=beside,
            user=user,
            right=right,
            masked=masked,
            view=view,
            address=address,
        )
        logger.info(
            "call opened: right=%s view=%s customer=%s call=%s legs=%s masked=%s"
            " user=%s address=%s",
            right,
            view,
            _quoted(customer_id),
            name,
            ",".join(beside) or "-",
            _yes(masked),
            _quoted(user),
            _quoted(address),
        )
        # Not before: what a receiver refused must not be shown untold the next time.
        self._remember(opening)

    def refused(self, error: LinkError, right: Right) -> Failure | None:
        """Tell that this request opens nothing, and count it where it was not genuine.

        :returns: None for a link that was genuine once.
        """
        user = None if right == "share" else self._user()
        address = request.remote_addr or ""
        failure = None if error.reason in _ONCE_GENUINE else self._failures.add(address)
        claimed = request.args.get("cid") if right == "link" else None
        name = (request.view_args or {}).get("call_hash", "")
        name = name if _HASH.fullmatch(name) else None
        count = 0 if failure is None else failure.count
        limited = failure is not None and failure.limited
        call_refused.send(
            _app(),
            reason=error.reason,
            right=right,
            customer_id=claimed,
            call_hash=name,
            user=user,
            address=address,
            failures=count,
            limited=limited,
        )
        logger.info(
            "call refused: right=%s reason=%s customer=%s call=%s user=%s address=%s"
            " failures=%d limited=%s",
            right,
            error.reason,
            _quoted(claimed),
            name or "-",
            _quoted(user),
            _quoted(address),
            count,
            _yes(limited),
        )
        return failure

    def _was_told(self, opening: Hashable) -> bool:
        with self._lock:
            told = self._told.get(opening)
        return told is not None and time.monotonic() - told <= _TOLD_SECONDS

    def _remember(self, opening: Hashable) -> None:
        with self._lock:
            self._told[opening] = time.monotonic()
            self._told.move_to_end(opening)
            while len(self._told) > _MAX_TOLD:
                self._told.popitem(last=False)


def _app() -> Flask:
    return cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _quoted(text: str | None) -> str:
    """In ASCII and between quotes, on one line: names are chosen by those who bear
    them, and must neither end the line nor look like another field of it.
    """
    if text is None:
        return "-"
    # DEL is the one control character that JSON leaves alone.
    return json.dumps(text[:_MAX_TEXT]).replace("\x7f", "\\u007f")
