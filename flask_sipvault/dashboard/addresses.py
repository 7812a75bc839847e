"""The addresses of one call: its page, its files, and the pieces of its page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import url_for

from .page import Pieces
from .view_state import View

#: The parameters of a link, the only ones that are passed on as they came.
_SIGNED = ("cid", "callid", "ts", "sig")


class Addresses:
    """Addresses under the signature of the link that is open.

    :param query: of a link that was verified.
    """

    def __init__(self, call_hash: str, query: Mapping[str, str]) -> None:
        self._call_hash = call_hash
        self._signed = urlencode([(name, query[name]) for name in _SIGNED])

    def page(self, view: View) -> str:
        """The call's page, seen in some way."""
        more = view.query()
        return self.of(".call") + (f"&{more}" if more else "")

    def compare(self, left: int, right: int) -> str:
        """The page that compares two messages, by their numbers."""
        return f"{self.of('.compare')}&left={left}&right={right}"

    def of(self, endpoint: str) -> str:
        """The address of a view of the call's."""
        return f"{url_for(endpoint, call_hash=self._call_hash)}?{self._signed}"

    def pieces(self) -> Pieces:
        """For the script of the page."""
        return Pieces(
            page=self.of(".call"),
            ladder=self.of(".ladder_piece"),
            messages=self.of(".message_piece"),
            logs=self.of(".log_piece"),
            compare=self.of(".compare"),
        )
