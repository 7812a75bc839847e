"""Explained calls, kept for the next piece that the browser asks for.

A call of thousands of messages comes to the browser in dozens of pieces. Masking and
explaining it anew for each would cost seconds every time, and each of these seconds is
taken from all that the host does beside it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import cast
from typing import TypeVar

from ..analysis.explain import Call
from ..analysis.explain import explain
from ..analysis.joined_call import joined
from ..analysis.ladder.aliases import Aliases
from ..analysis.ladder.aliases import NO_ALIASES
from ..analysis.ladder.ladder import Ladder
from ..analysis.ladder.ladder import ladder
from ..analysis.ladder.ladder import Ports
from ..analysis.media.quality import Scale
from ..analysis.media.quality import USUAL_SCALE
from ..evidence import Evidence
from ..language import spoken
from ..masking import mask
from ..masking import mask_legs
from ..singleflight import SingleFlight
from ..vault.listing import Listing
from ..vault.vault import Vault

_T = TypeVar("_T")

#: How much memory the kept calls may take, in bytes as :func:`_weight` estimates them.
KEPT_BYTES = 128 << 20

#: What an item takes beside its payload, in bytes: an object as it was read, and one
#: with all that was found out about it, as measured.
_READ_ITEM_BYTES = 300
_EXPLAINED_ITEM_BYTES = 4000


class ExplainedCall:
    """A call and what is made of it. Nobody may change it: several requests share it.

    :param scale: how voice quality is rated.
    :param others: further legs of it, to be seen beside it.
    """

    def __init__(
        self,
        evidence: Evidence,
        aliases: Aliases,
        scale: Scale,
        others: Sequence[Evidence] = (),
    ) -> None:
        #: The call alone.
        self.main: Call = explain(evidence, scale)
        #: All that is to be seen: the call, or the legs joined.
        self.call: Call = self.main
        if others:
            self.call = joined(self.main, [explain(other, scale) for other in others])
        self._aliases = aliases
        self._made: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def ladder(self, ports: Ports) -> Ladder:
        """The call's ladder, drawn up when it is first asked for."""
        return self.once(
            ("ladder", ports),
            lambda: ladder(self.call, ports=ports, aliases=self._aliases),
        )

    def once(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """Something made of the call and of the reader's language alone, when it is
        first asked for. The call itself is the same in all languages.
        """
        key = name, spoken()
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return cast(_T, self._made[key])


@dataclass(slots=True)
class _Kept:
    """What was made of the same listings, by name; ``weight`` in bytes."""

    made: dict[Hashable, Any] = field(default_factory=dict)
    weight: int = 0


class ExplainedCalls:
    """What was made of the calls that were asked for last.

    What is listed never changes, so that the listings of a call and its legs name what
    was made of them: a new part, or a new leg, is a new name. Each thing is made once
    for all threads that ask for it at a time. The calls not asked for the longest go
    when there is more than :data:`KEPT_BYTES`; the last one stays, however large.
    """

    def __init__(self, aliases: Aliases, scale: Scale = USUAL_SCALE) -> None:
        self._aliases = aliases
        self._scale = scale
        self._kept: OrderedDict[tuple[Listing, ...], _Kept] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()
        self._flights = SingleFlight()

    def evidence(
        self, vault: Vault, listing: Listing, *, masked: bool
    ) -> Evidence | None:
        """What is stored of a call; None where that is nothing.

        :raises flask_sipvault.vault.objects.StoreError: if the store does not answer.
        """

        def made() -> Evidence | None:
            if not masked:
                return vault.read(listing)
            evidence = self.evidence(vault, listing, masked=False)
            return None if evidence is None else mask(evidence)

        if not listing.parts:
            return None
        return self._once(
            (listing,),
            ("evidence", masked),
            made,
            lambda it: _weight(it, _READ_ITEM_BYTES),
        )

    def of(
        self,
        vault: Vault,
        listing: Listing,
        others: Sequence[Listing] = (),
        *,
        masked: bool,
    ) -> ExplainedCall | None:
        """The call, explained now or before; None where nothing is stored of it.

        :param others: further legs of the call, to be seen beside it.
        :raises flask_sipvault.vault.objects.StoreError: if the store does not answer.
        """

        def made() -> ExplainedCall | None:
            beside = bool(others) and masked
            evidence = self.evidence(vault, listing, masked=masked and not beside)
            if evidence is None:
                return None
            found = [self.evidence(vault, leg, masked=False) for leg in others]
            # An alias is a name, and may be one of an address that was made up.
            aliases = NO_ALIASES if masked else self._aliases
            legs = [leg for leg in found if leg is not None]
            if beside:
                evidence, *legs = mask_legs([evidence, *legs])
            return ExplainedCall(evidence, aliases, self._scale, legs)

        def weight(it: ExplainedCall | None) -> int:
            return _weight(
                None if it is None else it.call.evidence, _EXPLAINED_ITEM_BYTES
            )

        if not listing.parts:
            return None
        name = ("explained", masked)
        return self._once((listing, *others), name, made, weight)

    def text(
        self,
        name: str,
        listings: Sequence[Listing],
        make: Callable[[], _T],
        *,
        masked: bool,
        length: Callable[[_T], int],
    ) -> _T:
        """Something written of a call, which must depend on nothing else.

        :param name: of what it is.
        :param length: how many characters it has.
        """
        # At most four bytes a character.
        return self._once(
            tuple(listings),
            ("text", name, masked, spoken()),
            make,
            lambda it: 4 * length(it),
        )

    def _once(
        self,
        listings: tuple[Listing, ...],
        name: Hashable,
        make: Callable[[], _T],
        weight: Callable[[_T], int],
    ) -> _T:
        def made_and_kept() -> _T:
            # The thread that made it before this one may have ended a moment ago.
            known, value = self._known(listings, name)
            if known:
                return cast(_T, value)
            fresh = make()
            self._keep(listings, name, fresh, weight(fresh))
            return fresh

        known, value = self._known(listings, name)
        if known:
            return cast(_T, value)
        return self._flights.run((listings, name), made_and_kept)

    def _known(
        self, listings: tuple[Listing, ...], name: Hashable
    ) -> tuple[bool, object]:
        with self._lock:
            kept = self._kept.get(listings)
            if kept is None or name not in kept.made:
                return False, None
            self._kept.move_to_end(listings)
            return True, kept.made[name]

    def _keep(
        self,
        listings: tuple[Listing, ...],
        name: Hashable,
        value: object,
        weight: int,
    ) -> None:
        with self._lock:
            kept = self._kept.setdefault(listings, _Kept())
            self._kept.move_to_end(listings)
            kept.made[name] = value
            kept.weight += weight
            self._weight += weight
            while len(self._kept) > 1 and self._weight > KEPT_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._weight -= dropped.weight


def _weight(evidence: Evidence | None, each: int) -> int:
    """About how many bytes of memory a call takes.

    :param each: what an item takes beside its payload.
    """
    # An entry of its own costs as much as a few items, also where there are none.
    weight = 10 * each
    if evidence is None:
        return weight
    sizes = [
        *(len(packet.payload) for packet in evidence.sip),
        *(len(datagram.payload) for datagram in evidence.rtcp),
        *(len(line.line) for line in evidence.logs),
        *(len(repr(report.report)) for report in evidence.reports),
        *(len(repr(stream)) for stream in evidence.media),
    ]
    return weight + sum(sizes) + len(sizes) * each
