"""The addresses of one call: its page, its files, and the pieces of its page."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from urllib.parse import urlencode

from flask import url_for

from .page import Pieces
from .view_state import View

#: The parameters of a link, the only ones that are passed on as they came.
_SIGNED = ("cid", "callid", "ts", "sig")


class Addresses:
    """Addresses under the link that is open.

    :param base: gives the address of a view without its query.
    :param query: the parameters that each of them needs; may be empty.
    :param beside: Call-IDs of further legs on the page.
    :param two_hops: whether the page looks for the legs of its legs.
    """

    def __init__(
        self,
        base: Callable[[str], str],
        query: Sequence[tuple[str, str]],
        *,
        beside: Sequence[str] = (),
        two_hops: bool = False,
    ) -> None:
        self._base = base
        self._query = list(query)
        self._beside = tuple(beside)
        self._two_hops = two_hops

    @classmethod
    def of_link(
        cls,
        call_hash: str,
        query: Mapping[str, str],
        *,
        beside: Sequence[str] = (),
        two_hops: bool = False,
        masked: bool = False,
    ) -> Addresses:
        """Those under a signed link.

        :param query: of a link that was verified.
        """
        passed_on = [(name, query[name]) for name in _SIGNED]
        if masked:
            passed_on.append(("mask", "1"))
        return cls(
            lambda view: url_for(f".{view}", call_hash=call_hash),
            passed_on,
            beside=beside,
            two_hops=two_hops,
        )

    @classmethod
    def of_share(cls, token: str) -> Addresses:
        """Those under a shared link."""
        return cls(lambda view: url_for(f".shared_{view}", token=token), [])

    def alone(self) -> Addresses:
        """Those of the call without other legs."""
        return Addresses(self._base, self._query)

    def page(self, view: View) -> str:
        """The call's page, seen in some way."""
        more = view.query()
        return self.of(".call") + (f"&{more}" if more else "")

    def page_with(self, beside: Sequence[str], *, two_hops: bool) -> str:
        """The call's page with these legs beside it."""
        return Addresses(self._base, self._query, beside=beside, two_hops=two_hops).of(
            ".call"
        )

    def compare(self, left: int, right: int) -> str:
        """The page that compares two messages, by their numbers."""
        return f"{self.of('.compare')}&left={left}&right={right}"

    def of(self, endpoint: str) -> str:
        """The address of a view of the call's; it may be added to."""
        query = [*self._query, *(("with", leg) for leg in self._beside)]
        if self._two_hops:
            query.append(("hops", "2"))
        return f"{self._base(endpoint.lstrip('.'))}?{urlencode(query)}"

    def pieces(self) -> Pieces:
        """For the script of the page."""
        return Pieces(
            page=self.of(".call"),
            ladder=self.of(".ladder_piece"),
            messages=self.of(".message_piece"),
            logs=self.of(".log_piece"),
            compare=self.of(".compare"),
        )
