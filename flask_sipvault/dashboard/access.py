"""What a request may see of a call, and by what right.

Each view gets one of these and has no other way to a call: neither a file nor a piece
of a page can show more than the link allows, which opened it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING
from typing import TypeAlias
from typing import TypeVar

from flask import request
from flask.typing import ResponseReturnValue

from ..access.links import HOURS_OF_GRACE
from ..access.sharing import NothingStoredError
from ..analysis.explain import Call
from ..analysis.joined_call import MAX_LEGS
from ..evidence import call_hash
from ..evidence import Evidence
from ..vault.bundle import pack
from ..vault.listing import Listing
from ..vault.shared_links import SharedLink
from .addresses import Addresses
from .call_cache import ExplainedCall
from .errors import CallNotFoundError
from .errors import LegNotFoundError
from .state import state

if TYPE_CHECKING:
    from ..vault.vault import Vault


_T = TypeVar("_T")

#: Of so many legs their own legs are looked for, each by one listing.
LEGS_FOLLOWED = 20


class CallAccess:
    """One call, opened.

    :param masked: nothing but the masked call can be seen.
    :param shared: by a shared link: by somebody whom the host may not know.
    :param until: when the link stops working, in seconds since the epoch.
    :param beside: Call-IDs of further legs to be seen with it.
    :param two_hops: whether the legs of its legs are to be looked for.
    """

    def __init__(
        self,
        customer_id: str,
        call_id: str,
        addresses: Addresses,
        *,
        masked: bool,
        shared: bool,
        until: int,
        beside: tuple[str, ...] = (),
        two_hops: bool = False,
    ) -> None:
        self.customer_id = customer_id
        self.addresses = addresses
        self.masked = masked
        self.shared = shared
        self.until = until
        self.beside = beside
        self.two_hops = two_hops
        self._call_id = call_id
        self._listings: list[Listing] = []

    @property
    def file_name(self) -> str:
        """How files of the call are named. Whoever has the Call-ID of a CDR can work
        out its hash: what is masked must not be named by it.
        """
        return "masked" if self.masked else call_hash(self._call_id)

    def evidence(self) -> Evidence:
        """What is stored of the call.

        :raises CallNotFoundError: if nothing is.
        """
        evidence = state().explained.evidence(
            self._vault(), self._listed()[0], masked=self.masked
        )
        if evidence is None:
            raise self._not_found()
        return evidence

    def parts(self) -> list[tuple[str, bytes]]:
        """The parts of the call as they are kept, and those of the legs beside it;
        masked, all of each as one part.

        :raises CallNotFoundError: if nothing is stored.
        """
        if self.masked:
            legs = self.call().legs or [self.call()]
            return [
                (f"masked-{n}.zip" if n > 1 else "masked.zip", pack(leg.evidence))
                for n, leg in enumerate(legs, 1)
            ]
        parts = self._vault().raw_parts(self._call_id)
        if not parts:
            raise self._not_found()
        beside = (self._vault().raw_parts(call_id) for call_id in self.beside)
        return [*parts, *(part for leg in beside for part in leg)]

    def explained(self) -> ExplainedCall:
        """The call explained, with the legs beside it.

        :raises CallNotFoundError: if nothing is stored.
        """
        call, *others = self._listed()
        explained = state().explained.of(
            self._vault(), call, others, masked=self.masked
        )
        if explained is None:
            raise self._not_found()
        return explained

    def text(
        self, name: str, make: Callable[[], _T], length: Callable[[_T], int]
    ) -> _T:
        """Something written of the call as :meth:`explained` gives it, made now or
        before.

        :param name: of what it is; it must depend on nothing but the call.
        :param length: how many characters it has.
        """
        return state().explained.text(
            name, self._listed(), make, masked=self.masked, length=length
        )

    def call(self) -> Call:
        """All that is to be seen: the call, with the legs beside it joined in.

        :raises CallNotFoundError: if nothing is stored.
        """
        return self.explained().call

    def legs_of(self, call_id: str) -> list[tuple[str, str]]:
        """What is noted of the legs of one that is a leg itself."""
        return self._vault().legs_by_way_of(call_id)

    def version(self) -> str:
        """Another text whenever there is more to be seen of the call."""
        return "_".join(listing.version for listing in self._listed())

    def check_legs(self) -> None:
        """See that what is beside the call are legs of it, or legs of its legs.

        :raises LegNotFoundError: for the first that is not.
        """
        _check_legs(self._vault(), self._call_id, self.beside)

    def tell(self, view: str, *, always: bool) -> None:
        """Have the audit tell that the view shows it.

        :param always: whether to tell it also if the same reader has just opened it.
        """
        state().audit.opened(
            self.customer_id,
            self._call_id,
            right="share" if self.shared else "link",
            masked=self.masked,
            view=view,
            legs=self.beside,
            always=always,
        )

    def share(self, *, seconds: int, masked: bool) -> tuple[str, int]:
        """The address of a shared link to the call alone, and until when it works, in
        seconds since the epoch.

        :raises CallNotFoundError: if nothing is stored of the call.
        :raises flask_sipvault.access.sharing.TooManyLinksError: if there are enough.
        :raises flask_sipvault.access.links.CallIdError: if none can be made.
        :raises ValueError: if none may live that long.
        """
        shares = state().shares
        try:
            token = shares.make(
                self.customer_id, self._call_id, seconds=seconds, masked=masked
            )
        except NothingStoredError:
            raise self._not_found() from None
        return state().url_of_share(token), shares.open(token).until

    def _listed(self) -> list[Listing]:
        """What there is of the call and the legs beside it: one answer shows one
        version of them.
        """
        if not self._listings:
            calls = (self._call_id, *self.beside)
            self._listings = [self._vault().listing(call_id) for call_id in calls]
        return self._listings

    def shared_links(self) -> list[tuple[SharedLink, list[str]]]:
        """The links to the call that work, each with the UTC days it was opened on."""
        links = state().shares.of_call(self.customer_id, self._call_id)
        kept = self._vault().shared_links
        return [(link, kept.days_opened(link)) for link in links]

    def revoke(self, name: str) -> None:
        """Have a shared link to the call open nothing any more."""
        state().shares.revoke(self.customer_id, self._call_id, name)

    def _vault(self) -> Vault:
        return state().vault(self.customer_id)

    def _not_found(self) -> CallNotFoundError:
        # A masked page names the call by nothing.
        call_id = "" if self.masked else self._call_id
        stored_on = self._vault().too_old(self._call_id)
        return CallNotFoundError(call_id, state().settings.lookback_days, stored_on)


View: TypeAlias = Callable[[CallAccess], ResponseReturnValue]


def by_link(view: View, *, noted: bool) -> Callable[..., ResponseReturnValue]:
    """The view under the signed link of the CDR viewer.

    ``mask=1`` and ``with`` are not signed. The one shows less than the link allows. The
    other opens nothing but what the vault notes as legs of the call it is for.

    :param noted: whether it is told each time that it is seen.
    """

    @wraps(view)
    def opened(call_hash: str) -> ResponseReturnValue:
        query = request.args
        customer_id, call_id = state().verify(call_hash, query)
        # Whoever asks for it in some other way than "1" wants it as well.
        masked = query.get("mask", "0") != "0"
        wanted = tuple(dict.fromkeys(query.getlist("with")))
        wanted = tuple(name for name in wanted if name and name != call_id)
        beside = wanted[: MAX_LEGS - 1]
        two_hops = query.get("hops") == "2"
        return _show(
            view,
            CallAccess(
                customer_id,
                call_id,
                Addresses.of_link(
                    call_hash, query, beside=beside, two_hops=two_hops, masked=masked
                ),
                masked=masked,
                shared=False,
                until=(int(query["ts"]) + HOURS_OF_GRACE + 1) * 3600,
                beside=beside,
                two_hops=two_hops,
            ),
            noted=noted,
        )

    return opened


def by_share(view: View, *, noted: bool) -> Callable[..., ResponseReturnValue]:
    """The view under a shared link, which decides alone what is to be seen.

    :param noted: whether it is told each time that it is seen.
    """

    @wraps(view)
    def opened(token: str) -> ResponseReturnValue:
        share = state().open_share(token)
        if noted:
            state().shares.note_opened(share)
        masked = share.masked or request.args.get("mask", "0") != "0"
        return _show(
            view,
            CallAccess(
                share.customer_id,
                share.call_id,
                Addresses.of_share(token),
                masked=masked,
                shared=True,
                until=share.until,
            ),
            noted=noted,
        )

    return opened


def _show(view: View, access: CallAccess, *, noted: bool) -> ResponseReturnValue:
    """What the view answers, once it is told who sees it.

    :raises BusyError: while as many are answered as may be.
    :raises LegNotFoundError: for a leg beside the call that is none of it.
    """
    with state().slots.taken():
        access.check_legs()
        answer = view(access)
    access.tell(view.__name__, always=noted)
    return answer


def _check_legs(vault: Vault, call_id: str, wanted: tuple[str, ...]) -> None:
    """See that all of these are legs of the call, or legs of its legs.

    :raises LegNotFoundError: for the first that is not.
    """
    if not wanted:
        return
    known = {other for _, other in vault.legs(call_id)}
    for leg in wanted:
        if leg not in known:
            break
    else:
        return
    for near in sorted(known)[:LEGS_FOLLOWED]:
        known |= {other for _, other in vault.legs_by_way_of(near)}
    for leg in wanted:
        if leg not in known:
            raise LegNotFoundError
