"""A transfer that was asked for and did not come about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

from ....language import N_
from ....protocols.sip_fields import NameAddr
from ...call import Call
from ...events import Event
from ...sip.transactions import outermost
from ...sip.transactions import Transaction
from ..model import Finding
from ..model import Severity
from ..model import Value
from ..references import message
from ..refusals import Refusal
from ..refusals import refusals_of
from ..refused_evidence import of_refusal
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Refusals by the person at the target, and by a phone that is not taken up: the
#: transfer did what it could.
_NOT_TAKEN = frozenset({408, 480, 486, 487, 600, 603})

#: So many of them are told; a flood of REFERs has thousands.
_MOST = 4


def _find(call: Call) -> Iterator[Finding]:
    transfers = [event for event in call.events if event.kind == "transfer"]
    by_number = {
        each.request.n: each
        for each in call.transactions
        if each.method == "REFER" and each.request is not None
    }
    worked = [each.ts for each in transfers if _worked(each)]
    found: dict[object, Finding] = {}
    for event in transfers:
        asked = by_number.get(event.n or 0)
        if asked is None or any(ts >= event.ts for ts in worked[-1:]):
            continue
        for finding in _of_transfer(call, event, asked):
            # Passed on by something between two dialogs, it fails first further on.
            target = event.parameters.get("target")
            known = found.get(target)
            if known is None or (finding.since_ts or 0) < (known.since_ts or 0):
                found[target] = finding
    yield from islice(found.values(), _MOST)
    replacing = (
        each
        for each in outermost(call.transactions)
        if each.method == "INVITE" and each.request
        if each.request.header("Replaces")
    )
    refused = (refusal for each in replacing for refusal in refusals_of(each)[:1])
    yield from (_of_replacement(refusal) for refusal in islice(refused, 1))


def _worked(event: Event) -> bool:
    code = event.parameters.get("code")
    return isinstance(code, int) and 200 <= code < 300


def _of_transfer(call: Call, event: Event, asked: Transaction) -> Iterator[Finding]:
    assert asked.request is not None
    target = event.parameters.get("target")
    parameters: dict[str, Value] = {
        "sender": asked.client,
        "host": asked.server,
        "target": target if isinstance(target, str) else "",
    }
    code = event.parameters.get("code")
    refusal = next(iter(refusals_of(asked)), None)
    if refusal is not None:
        yield Finding(
            "transfer-failed",
            "error",
            parameters={
                **parameters,
                "host": refusal.by,
                "code": refusal.response.summary,
            },
            evidence=tuple(of_refusal(refusal, N_("the transfer to {target}"))),
            since_ts=refusal.response.ts,
        )
    elif isinstance(code, int) and code >= 300 and event.parameters.get("accepted"):
        severity: Severity = "warning" if code in _NOT_TAKEN else "error"
        told = event.parameters.get("result_n")
        shown = call.messages[told - 1] if isinstance(told, int) else None
        evidence = [message(asked.request, N_("the transfer to {target}"))]
        if shown is not None:
            evidence.insert(0, message(shown, N_("it failed with {code}")))
        yield Finding(
            "transfer-failed",
            severity,
            variant="target",
            parameters={**parameters, "code": code},
            evidence=tuple(evidence),
            since_ts=shown.ts if shown is not None else event.ts,
        )
    elif (
        asked.timed_out == "F"
        and not asked.responses
        and call.visibility.would_show(asked.server, asked.client)
    ):
        yield Finding(
            "transfer-failed",
            "error",
            variant="unanswered",
            parameters={**parameters, "count": len(asked.sendings)},
            evidence=tuple(
                message(each, N_("the transfer to {target}, without a response"))
                for each in asked.sendings
            ),
            since_ts=event.ts,
        )


def _of_replacement(refusal: Refusal) -> Finding:
    replaces = refusal.request.header("Replaces")
    target = NameAddr.parse(refusal.request.header("To")).user
    return Finding(
        "transfer-failed",
        "error",
        variant="replaces",
        parameters={
            "host": refusal.by,
            "sender": refusal.outer.client,
            "code": refusal.response.summary,
            "target": target,
            "call_id": unquote(replaces.partition(";")[0].strip()),
        },
        evidence=tuple(of_refusal(refusal, N_("was to replace the call {call_id}"))),
        since_ts=refusal.response.ts,
    )


RULE = Rule(
    "transfer-failed",
    _find,
    {
        "": Texts(
            N_("{host} refused to transfer the call to {target}: {code}."),
            N_(
                "{sender} asked for the transfer by REFER, and {host} did not take it."
                " The call stays between the two that were talking."
            ),
            (
                N_("Whether {host} allows transfers (REFER) from this side."),
                N_("Whether {target} is an address that {host} may call."),
                N_("Whether the PBX is to transfer the call itself instead."),
            ),
        ),
        "target": Texts(
            N_("The transfer to {target} failed with {code}."),
            N_(
                "{host} took the transfer, called {target}, and told {sender} that this"
                " call failed. Who is left depends on whether {sender} had hung up"
                " already."
            ),
            (
                N_("The call from {host} to {target}: it has a Call-ID of its own."),
                N_("Whether {target} can be reached from {host} in that form."),
                N_("Whether {sender} waits for the result before it hangs up."),
            ),
        ),
        "unanswered": Texts(
            N_("{sender} asked for a transfer to {target} and got no response."),
            N_(
                "The REFER was sent {count} times to {host}, which did not answer. The"
                " transfer did not come about."
            ),
            (
                N_("Whether the REFER reaches {host}: its Contact, the route, NAT."),
                N_("Whether {host} supports REFER, as its Allow header says."),
            ),
        ),
        "replaces": Texts(
            N_("{host} refused to put the call in the place of another: {code}."),
            N_(
                "The INVITE has a Replaces header that names the call to be replaced,"
                " which is how a consultative transfer ends. {host} does not know that"
                " call, or does not allow it to be replaced."
            ),
            (
                N_("Whether the call that it names is still up, on {host} itself."),
                N_("Whether an SBC changed Call-ID or tags of only one of the two."),
                N_("Whether {host} supports Replaces, as its Supported header says."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Transfer failed"),
        N_(
            "One side asked the other to call a third party instead (REFER), or a new"
            " call was to replace one that is up (Replaces), and that did not work."
        ),
        N_("The caller is lost in the transfer, comes back, or hears silence."),
        (
            N_("A provider that does not take REFER."),
            N_("A target that is busy, not reachable, or dialled in the wrong form."),
            N_("Replaces with a Call-ID or tags that an SBC changed on one call only."),
        ),
        (
            N_("In the page: the REFER, its response, the NOTIFY with the result."),
            N_("The call to the target, in the same capture or on that host."),
        ),
        (
            N_("Have the PBX join the two calls itself, where the other side refuses."),
            N_("Correct the target's form, or the route to it."),
        ),
        {
            "Asterisk": N_(
                "allow_transfer=yes of the PJSIP endpoint; refer_blind_progress sends"
                " the NOTIFYs of a blind transfer."
            ),
            "FreeSWITCH": N_("disable-transfer of the SIP profile refuses REFER."),
        },
    ),
    ("RFC 3515 2.4", "RFC 5589", "RFC 3891 3"),
    rank=320,
    explains=frozenset({"hold-not-resumed"}),
)
