"""Explained calls, kept for the next piece that the browser asks for.

A call of thousands of messages comes to the browser in dozens of pieces. Explaining it
anew for each would cost a second every time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from collections.abc import Sequence

from ..analysis.explain import Call
from ..analysis.explain import explain
from ..analysis.joined_call import joined
from ..analysis.ladder.aliases import Aliases
from ..analysis.ladder.ladder import Ladder
from ..analysis.ladder.ladder import ladder
from ..analysis.ladder.ladder import Ports
from ..analysis.media.quality import Scale
from ..analysis.media.quality import USUAL_SCALE
from ..evidence import Evidence
from ..language import spoken

#: A shorter call is explained quicker than it is worth keeping.
WORTH_KEEPING = 500

#: How many messages are kept in all, about 10 kB of memory each.
KEPT_MESSAGES = 12_000


class ExplainedCall:
    """A call and its ladders. Nobody may change it: several requests share it.

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
        self._ladders: dict[Ports, Ladder] = {}

    def ladder(self, ports: Ports) -> Ladder:
        """The call's ladder, drawn up when it is first asked for."""
        drawn = self._ladders.get(ports)
        if drawn is None:
            drawn = ladder(self.call, ports=ports, aliases=self._aliases)
            self._ladders[ports] = drawn
        return drawn


class ExplainedCalls:
    """The last long calls that were asked for.

    What a part holds never changes, so that the keys of a call's parts name what was
    explained.
    """

    def __init__(self, aliases: Aliases, scale: Scale = USUAL_SCALE) -> None:
        self._aliases = aliases
        self._scale = scale
        self._kept: OrderedDict[Hashable, ExplainedCall] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, evidence: Evidence, others: Sequence[Evidence] = ()) -> ExplainedCall:
        """The evidence, explained now or before.

        :param others: further legs of the call, to be seen beside it.
        """
        legs = [evidence, *others]
        short = sum(len(leg.sip) for leg in legs) < WORTH_KEEPING
        if short or any(not leg.parts or leg.damage for leg in legs):
            return ExplainedCall(evidence, self._aliases, self._scale, others)
        # The words of an explanation are in one language.
        name = (
            spoken(),
            *(
                (
                    leg.customer_id,
                    leg.call_id,
                    tuple(leg.parts),
                    tuple(leg.legs),
                    len(leg.sip),
                )
                for leg in legs
            ),
        )
        with self._lock:
            known = self._kept.get(name)
            if known is not None:
                self._kept.move_to_end(name)
                return known
        made = ExplainedCall(evidence, self._aliases, self._scale, others)
        with self._lock:
            self._kept[name] = made
            while len(self._kept) > 1 and self._size() > KEPT_MESSAGES:
                self._kept.popitem(last=False)
        return made

    def _size(self) -> int:
        return sum(len(each.call.messages) for each in self._kept.values())
