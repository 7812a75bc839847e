"""When each side of a dialog hung up."""

from __future__ import annotations

from ..sip.dialogs import Dialog
from ..sip.sides import other_side
from ..sip.sides import Side


def first_byes(dialog: Dialog) -> dict[Side, int]:
    """The time of each side's first BYE, in ns since the epoch; of a side that did not
    hang up, or of which that was not captured, none.
    """
    found: dict[Side, int] = {}
    for bye in dialog.byes:
        side = dialog.side_of(bye.request) if bye.request is not None else None
        if side is not None and bye.request is not None:
            found[side] = min(bye.request.ts, found.get(side, bye.request.ts))
    return found


def other_hung_up_by(byes: dict[Side, int], side: Side | None, ts: int) -> bool:
    """Whether the side that somebody speaks to had hung up itself by a time.

    :param byes: as :func:`first_byes` gives them.
    :param side: who speaks.
    """
    if side is None:
        return False
    hung_up = byes.get(other_side(side))
    return hung_up is not None and hung_up <= ts
