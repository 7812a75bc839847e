"""Fax by T.38 was offered and refused."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ..media_answers import bad_answers
from ..media_answers import BadAnswer
from ..media_refusals import media_problem
from ..model import Finding
from ..model import Severity
from ..references import message
from ..refusals import refused_setups
from ..refused_evidence import of_change
from ..refused_evidence import of_refusal
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..session_changes import hung_up_after
from ..session_changes import refused_changes
from ..session_changes import shows_what_followed

#: Who hangs up so soon after the refusal gives the fax up.
_AT_ONCE_NS = 5_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    for refusal in refused_setups(call):
        problem = media_problem(refusal)
        if problem is not None and problem[0] == "fax":
            yield Finding(
                "t38-refused",
                "error",
                "certain" if problem[1] else "likely",
                "setup",
                {"host": refusal.by, "code": refusal.response.summary},
                tuple(of_refusal(refusal, N_("the offer: T.38"))),
                refusal.response.ts,
            )
            return
    # What came of a dialog's last refusal came of those before it.
    last = {
        change.dialog.number: change
        for change in refused_changes(call)
        if change.kind == "fax"
    }
    for change in last.values():
        refused = change.refusal.response
        later = _later(call, change.dialog, refused)
        if later in ("fax", "unknown"):
            continue
        yield Finding(
            "t38-refused",
            _severity(later, change.hung_up),
            variant="audio" if later == "audio" else "",
            parameters={
                "host": change.refusal.by,
                "sender": change.refusal.outer.client,
                "code": refused.summary,
            },
            evidence=tuple(of_change(change, N_("the offer: T.38"))),
            since_ts=refused.ts,
        )
        return
    yield from _of_answers(call)


def _of_answers(call: Call) -> Iterator[Finding]:
    last: dict[int, BadAnswer] = {}
    for answer in bad_answers(call):
        dialog = answer.negotiation.dialog
        if answer.problem == "fax" and dialog is not None:
            last[dialog.number] = answer
    for answer in last.values():
        dialog = answer.negotiation.dialog
        assert dialog is not None
        if not answer.exchange.changes_a_session and _takes_audio(answer.answer):
            continue  # it said at the start that it can do T.38, beside audio
        later = _later(call, dialog, answer.answer)
        if later in ("fax", "unknown"):
            continue
        bye = hung_up_after(dialog, answer.answer, _AT_ONCE_NS)
        yield Finding(
            "t38-refused",
            _severity(later, bye),
            variant="audio" if later == "audio" else "line",
            parameters={
                "host": answer.answer.origin,
                "sender": answer.offer.origin,
                "code": answer.answer.summary,
            },
            evidence=(
                message(answer.answer, N_("refuses the fax: port 0")),
                message(answer.offer, N_("the offer: T.38")),
                *([message(bye, N_("the call is hung up at once"))] if bye else []),
            ),
            since_ts=answer.answer.ts,
        )
        return


def _severity(later: str, hung_up: Message | None) -> Severity:
    if later == "audio":
        return "info"  # the fax goes on as audio
    return "warning" if hung_up is None else "error"


def _takes_audio(answer: Message) -> bool:
    lines = answer.sdp.media if answer.sdp is not None else []
    return any(line.kind == "audio" and not line.refused for line in lines)


def _later(call: Call, dialog: Dialog, refusal: Message) -> str:
    """What was offered after it: ``fax`` that was accepted, ``audio``, or "" for none;
    ``unknown`` where the capture ends too early to tell.
    """
    offered = ""
    for each in dialog.changes:
        request = each.request
        if request is None or request.n < refusal.n or request.sdp is None:
            continue
        lines = [line for line in request.sdp.media if not line.refused]
        if any(line.is_fax for line in lines) and each.answer is not None:
            answered = each.answer.sdp.media if each.answer.sdp else []
            if any(line.is_fax and not line.refused for line in answered):
                return "fax"
        elif any(line.kind == "audio" for line in lines):
            offered = "audio"
    if not offered and not shows_what_followed(call, dialog, refusal):
        return "unknown"
    return offered


_EXPLANATION = N_(
    "A fax machine was heard, and {sender} asked to switch the call from audio to T.38."
    " {host} did not take it, so that the fax has to go through as audio, which fails"
    " with loss, jitter or compression."
)
_NEXT = (
    N_("Whether {host} can do T.38 and has it enabled for this peer."),
    N_(
        "Whether the fax goes through as audio: G.711, no echo cancelling, no silence"
        " suppression."
    ),
    N_("Whether the provider supports T.38 on this trunk."),
)

RULE = Rule(
    "t38-refused",
    _find,
    {
        "": Texts(
            N_("{host} refused to switch the call to fax (T.38): {code}."),
            _EXPLANATION,
            _NEXT,
        ),
        "line": Texts(
            N_("{host} accepted the change to fax with {code} but refused its T.38."),
            N_(
                "The answer sets the port of the fax (m=image) to 0, which refuses it."
                " What else the answer takes is all that is left of the call's media."
            ),
            _NEXT,
        ),
        "audio": Texts(
            N_("{host} refused T.38, and the fax goes on as audio."),
            N_(
                "{sender} offered audio again after the refusal. A fax gets through so"
                " if the network loses nothing and the codec is G.711."
            ),
            _NEXT[:2],
        ),
        "setup": Texts(
            N_("{host} refused a call that is fax (T.38) from the start: {code}."),
            N_("The INVITE offers T.38 and no audio, which {host} does not take."),
            (
                N_("Whether {host} can do T.38 and has it enabled for this peer."),
                N_("Whether the sender can begin with audio and switch later."),
            ),
        ),
    },
    CatalogueEntry(
        N_("T.38 refused"),
        N_(
            "One side asked for fax by T.38, usually by a re-INVITE after it had heard"
            " the fax tone, and the other refused it: by 488 or the like, or by an"
            " answer with the port 0."
        ),
        N_("The fax fails, or gets through on some days and not on others."),
        (
            N_("T.38 is switched off, or not licensed, on the side that refuses."),
            N_("A provider without T.38 on its trunks."),
            N_("An SBC that does not pass m=image on."),
        ),
        (
            N_("In the page: the re-INVITE with m=image and its response."),
            N_("The logs of the host that refused."),
        ),
        (
            N_("Enable T.38 on both sides and on what is between them."),
            N_("Where that cannot be: send the fax as G.711, without echo cancelling."),
        ),
        {
            "Asterisk": N_(
                "t38_udptl=yes of the PJSIP endpoint, on both legs; t38_udptl_ec for"
                " the error correction."
            ),
            "FreeSWITCH": N_(
                "fax_enable_t38 for a fax that ends here, t38_passthru for one that is"
                " passed through."
            ),
        },
    ),
    ("RFC 3261 14.1", "RFC 3264 6", "ITU-T T.38 annex D"),
    rank=300,
    explains=frozenset({"reinvite-refused", "call-refused"}),
)
