"""The other legs of a call as its page lists them."""

from __future__ import annotations

from ....access.links import CallIdError
from ....analysis.joined_call import letter
from ....analysis.joined_call import MAX_LEGS
from ....language import _
from ....language import N_
from ....sanitize import on_one_line
from ...access import CallAccess
from ...access import LEGS_FOLLOWED
from ...call_cache import ExplainedCall
from ...page import LegsView
from ...page import LegView
from ...state import state

#: What ties two legs, in words, by
#: :data:`flask_sipvault.correlation.legs.LegRelation`.
_REASONS = {
    "header": N_("named in a header of the INVITE"),
    "replaces": N_("one replaces the other"),
    "transfer": N_("asked for by REFER"),
    "session": N_("the same Session-ID"),
    "media": N_("the same media address"),
    "origin": N_("the same SDP origin"),
    "parties": N_("the same two within seconds"),
}


def legs_view(explained: ExplainedCall, opening: CallAccess) -> LegsView | None:
    """The legs and what can be done with them; None where there are none to be seen.

    Under a shared link and where all is masked there are none: who may see one call may
    not therefore see another.
    """
    if opening.shared or opening.masked:
        return None
    evidence = explained.main.evidence
    found: dict[str, tuple[str, str]] = {}
    for why, other in evidence.legs:
        found.setdefault(other, (why, ""))
    if opening.two_hops:
        for near in sorted(found)[:LEGS_FOLLOWED]:
            for why, other in opening.legs_of(near):
                if other != evidence.call_id:
                    found.setdefault(other, (why, near))
    if not found:
        return None
    shown = [leg.evidence.call_id for leg in explained.call.legs]
    legs = [
        _leg(other, why, via, opening, shown) for other, (why, via) in found.items()
    ]
    # Those on the page that only a second step leads to.
    legs += [
        _leg(other, "", "", opening, shown) for other in shown[1:] if other not in found
    ]
    more = "" if opening.two_hops else _page(opening, opening.beside, two_hops=True)
    gone = [on_one_line(name) for name in opening.beside if name not in shown]
    return LegsView(legs, more, gone, joined=len(shown) > 1)


def _leg(
    call_id: str, why: str, via: str, opening: CallAccess, shown: list[str]
) -> LegView:
    beside = opening.beside
    if call_id in shown:
        fewer = tuple(each for each in beside if each != call_id)
        join, mark = _page(opening, fewer), letter(shown.index(call_id))
    else:
        full = len(beside) >= MAX_LEGS - 1
        join, mark = "" if full else _page(opening, (*beside, call_id)), ""
    return LegView(
        call_id=on_one_line(call_id),
        why=_(_REASONS[why]) if why in _REASONS else on_one_line(why),
        via=on_one_line(via),
        url=_link(call_id, opening.customer_id),
        letter=mark,
        join_url=join,
    )


def _page(
    opening: CallAccess, beside: tuple[str, ...], *, two_hops: bool | None = None
) -> str:
    hops = opening.two_hops if two_hops is None else two_hops
    return opening.addresses.page_with(beside, two_hops=hops)


def _link(call_id: str, customer_id: str) -> str:
    """A link of the leg's own; empty for a Call-ID that none can be made for."""
    try:
        return state().url_for_call(call_id, customer_id)
    except CallIdError:
        return ""
