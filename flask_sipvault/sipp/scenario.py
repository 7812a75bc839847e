"""A party's part as a scenario file for SIPp (https://sipp.readthedocs.io).

What a scenario must leave open is given by SIPp's keywords: addresses, tags, branches,
Call-ID, the route set. The rest of each message is as recorded.

Every text in it came off the wire from strangers, and a keyword in it would be obeyed:
``[file name=…]`` reads a file. So a bracket is written as the escape that SIPp has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..analysis.explain import Call
from ..analysis.sip.messages import Message
from ..analysis.sip.setup import CHALLENGES
from ..evidence import call_hash
from ..protocols.sip import SipMessage
from ..protocols.sip_fields import NameAddr
from ..protocols.sip_fields import parameters
from ..protocols.sip_fields import split_outside
from .bodies import body_lines
from .bodies import literal
from .script import Expect
from .script import Pause
from .script import script
from .script import Send
from .script import Side
from .script import Step

#: T1 (RFC 3261 section 17.1.1.1): after this many ms SIPp sends again.
_T1 = 500

_USAGE = {
    "uac": "sipp -sf FILE -m 1 HOST:PORT   (-i LOCAL_ADDRESS; -t t1 for TCP;"
    " -ap PASSWORD if challenged)",
    "uas": "sipp -sf FILE -m 1   (-i LOCAL_ADDRESS -p PORT; -t t1 for TCP)",
}

_LOCAL = "[local_ip]:[local_port]"
_REMOTE = "[remote_ip]:[remote_port]"

#: Header fields that are written by their meaning, not as recorded.
_LEFT_OUT = frozenset({"Route", "Record-Route", "Content-Length", "Content-Type"})

_SAFE_LOGIN = re.compile(r"[A-Za-z0-9_.+-]{1,64}")

# What is kept of a request for a late answer. Line ends are in the values, so that what
# was not there leaves no empty line, which would end the header section.
_KEPT = {
    "via": r"(Via|v)[ ]*:[^\r\n]*(\r\n(Via|v)[ ]*:[^\r\n]*)*",
    "from": r"\r\n(From|f)[ ]*:[^\r\n]*",
    "to": r"\r\n(To|t)[ ]*:[^\r\n]*",
    "cseq": r"\r\nCSeq[ ]*:[^\r\n]*",
    "route": r"(\r\nRecord-Route[ ]*:[^\r\n]*)+",
}


def scenario(call: Call, side: Side) -> str:
    """A scenario in which SIPp plays the caller (``uac``) or the called side (``uas``).

    :raises flask_sipvault.sipp.script.NoScriptError: if the capture does not show it.
    """
    return _Writer(call, side).xml()


class _Writer:
    """Writes one scenario."""

    def __init__(self, call: Call, side: Side) -> None:
        self._side = side
        self._steps = script(call, side)
        self._name = f"call-{call_hash(call.evidence.call_id)}-{side}"
        self._opening = next(m for m in map(_message, self._steps) if m is not None)
        self._own_tag = f"[pid]SIPpTag{'00' if side == 'uac' else '01'}[call_number]"
        self._knows_target = False
        self._challenged = False
        sent = [it.message for it in self._steps if isinstance(it, Send)]
        self._asks = any(message.method for message in sent)
        self._setup_numbers = {
            message.cseq_number
            for message in sent
            if message.method == "INVITE" and not message.to_tag
        }
        self._index = {id(_message(it)): i for i, it in enumerate(self._steps)}
        self._acknowledged = _acknowledged(self._steps)

    def xml(self) -> str:
        elements = [self._element(index, it) for index, it in enumerate(self._steps)]
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8" ?>',
                '<!DOCTYPE scenario SYSTEM "sipp.dtd">',
                f"<!-- {_USAGE[self._side]} -->",
                f'<scenario name="{self._name}">',
                *elements,
                "</scenario>",
                "",
            ]
        )

    def _element(self, index: int, step: Step) -> str:
        if isinstance(step, Pause):
            return f'  <pause milliseconds="{step.ms}"/>'
        if isinstance(step, Expect):
            return self._expect(step)
        lines = self._response(step) if step.answered else self._request(index, step)
        content_type, body = body_lines(step.sip)
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append("Content-Length: [len]" if body else "Content-Length: 0")
        indented = "\n".join(f"      {line}".rstrip() for line in [*lines, "", *body])
        again = f' retrans="{_T1}"' if _is_repeated(step.message) else ""
        return f"  <send{again}>\n    <![CDATA[\n\n{indented}\n\n    ]]>\n  </send>"

    # What is waited for

    def _expect(self, step: Expect) -> str:
        attributes = (
            f'request="{literal(step.method)}"'
            if step.method
            else f'response="{step.code}"'
        )
        actions = list(self._actions(step))
        if step.optional:
            attributes += ' optional="true"'
        if step.code in CHALLENGES:
            self._challenged = True
            attributes += ' auth="true"'
        if self._shows_target(step):
            self._knows_target = True
            attributes += ' rrs="true"'
        if not actions:
            return f"  <recv {attributes}/>"
        inner = "\n".join(f"      {action}" for action in actions)
        return f"  <recv {attributes}>\n    <action>\n{inner}\n    </action>\n  </recv>"

    def _shows_target(self, step: Expect) -> bool:
        """Whether this message says where the requests in the dialog go to."""
        message = step.message
        if message is None or not message.header("Contact"):
            return False
        if self._side == "uas":
            return message.method == "INVITE" and not message.to_tag
        of_setup = message.cseq_number in self._setup_numbers
        return message.cseq_method == "INVITE" and 100 < message.code < 300 and of_setup

    def _actions(self, step: Expect) -> Iterator[str]:
        message = step.message
        if message is None:
            return
        if self._side == "uas" and message is self._opening and self._asks:
            yield _ereg(".*", "local", header="To:")
            yield _ereg(".*", "remote", header="From:")
        if step.kept:
            for name, pattern in _KEPT.items():
                yield _ereg(pattern, f"{name}_{message.n}")
        if message.n in self._acknowledged.values():
            yield _ereg("[0-9]+", f"rseq_{message.n}", header="RSeq:")

    # What is sent

    def _request(self, index: int, send: Send) -> list[str]:
        message, sip = send.message, send.sip
        in_dialog = bool(message.to_tag) and send.invite is None and self._knows_target
        if send.invite is not None and send.invite.to_tag:
            in_dialog = self._knows_target
        target = "[next_url]" if in_dialog else self._first_target()
        branch = "[branch]"
        if send.invite is not None:
            branch = f"[branch-{index - self._index[id(send.invite)]}]"
        rport = ";rport" if sip.vias and "rport" in sip.vias[0].params else ""
        lines = [
            f"{literal(message.method)} {target} SIP/2.0",
            f"Via: SIP/2.0/[transport] {_LOCAL};branch={branch}{rport}",
        ]
        if in_dialog:
            lines.append("[routes]")
        lines += self._parties(message)
        lines.append("Call-ID: [call_id]")
        lines.append(f"CSeq: {message.cseq_number or 1} {literal(message.cseq_method)}")
        acknowledged = self._acknowledged.get(message.n)
        for name, value in self._other_fields(sip):
            if name in ("Authorization", "Proxy-Authorization"):
                if self._challenged:
                    lines.append(_authentication(value))
            elif name == "RAck" and acknowledged is not None:
                rseq = f"[$rseq_{acknowledged}]"
                lines.append(f"RAck: {rseq} {literal(value.partition(' ')[2])}")
            else:
                lines.append(f"{name}: {value}")
        return lines

    def _parties(self, message: Message) -> list[str]:
        """From and To of a request."""
        if self._side == "uas":
            return [f"From:[$local];tag={self._own_tag}", "To:[$remote]"]
        opening = self._opening.sip
        if opening is None:
            return []
        sender = _address(opening.from_, _LOCAL)
        peer = _address(opening.to, _REMOTE)
        tag = "[peer_tag_param]" if message.to_tag else ""
        return [f"From: {sender};tag={self._own_tag}", f"To: {peer}{tag}"]

    def _first_target(self) -> str:
        """The Request-URI of the INVITE, at the address that SIPp is told."""
        opening = self._opening.sip
        uri = (opening.uri if opening else None) or ""
        return _uri(NameAddr(uri=uri), _REMOTE)

    def _response(self, send: Send) -> list[str]:
        message, sip, request = send.message, send.sip, send.answered
        first_line = f"SIP/2.0 {message.code:03} {literal(sip.reason)}"
        tag = ""
        if message.to_tag and request is not None and not request.to_tag:
            tag = f";tag={self._own_tag}"
        if send.late and request is not None:
            kept = {name: f"[${name}_{request.n}]" for name in _KEPT}
            lines = [
                first_line,
                f"{kept['via']}{kept['route']}{kept['from']}{kept['to']}{tag}"
                f"{kept['cseq']}",
            ]
        else:
            lines = [first_line, "[last_Via:]", "[last_From:]", f"[last_To:]{tag}"]
            lines.append("[last_CSeq:]")
            if message.cseq_method == "INVITE" and 100 < message.code < 300:
                lines.append("[last_Record-Route:]")
        lines.append("Call-ID: [call_id]")
        return lines + [f"{name}: {value}" for name, value in self._other_fields(sip)]

    def _other_fields(self, sip: SipMessage) -> Iterator[tuple[str, str]]:
        """The fields that stay as recorded, and Contact."""
        for name, value in sip.headers:
            if name == "Contact":
                for contact in split_outside(value, ",")[:1]:
                    yield name, _contact(NameAddr.parse(contact))
            elif name not in (*_LEFT_OUT, "Via", "From", "To", "Call-ID", "CSeq"):
                yield literal(name), literal(value)


def _acknowledged(steps: list[Step]) -> dict[int, int]:
    """The reliable response that each PRACK is for (RFC 3262 section 7.2), by their
    numbers.
    """
    responses: dict[str, int] = {}
    acknowledged = {}
    for step in steps:
        message = _message(step)
        if isinstance(step, Expect) and message and message.header("RSeq"):
            responses[message.header("RSeq")] = message.n
        elif isinstance(step, Send) and step.message.method == "PRACK":
            number = responses.get(step.message.header("RAck").split(" ")[0])
            if number is not None:
                acknowledged[step.message.n] = number
    return acknowledged


def _message(step: Step) -> Message | None:
    return None if isinstance(step, Pause) else step.message


def _is_repeated(message: Message) -> bool:
    """Whether SIPp is to send this again until something comes back."""
    if message.kind == "request":
        return message.method != "ACK"
    return message.cseq_method == "INVITE" and message.code >= 200


def _ereg(pattern: str, variable: str, *, header: str = "") -> str:
    where = f'search_in="hdr" header="{header}"' if header else 'search_in="msg"'
    return f'<ereg regexp="{pattern}" {where} assign_to="{variable}"/>'


def _authentication(value: str) -> str:
    """The keyword that SIPp answers the challenge with, for the recorded user."""
    fields = parameters(split_outside(value.partition(" ")[2], ","))
    login = fields.get("username", "")
    return (
        f"[authentication username={login}]"
        if _SAFE_LOGIN.fullmatch(login)
        else "[authentication]"
    )


def _address(address: NameAddr, where: str) -> str:
    name = address.display.replace("\\", "").replace('"', "")
    display = f'"{literal(name)}" ' if name else ""
    return f"{display}<{_uri(address, where)}>"


def _contact(contact: NameAddr) -> str:
    if contact.uri == "*":
        return "*"
    return f"<{_uri(contact, _LOCAL)};transport=[transport]>"


def _uri(address: NameAddr, where: str) -> str:
    """A SIP URI of the same user elsewhere."""
    userinfo, at, _ = address.uri.rpartition("@")
    user = userinfo.partition(":")[2] or address.user
    return f"sip:{literal(user)}@{where}" if at and user else f"sip:{where}"
