"""Calls that were heard well and badly, to be looked at in a browser."""

from __future__ import annotations

from flask_sipvault.evidence import Evidence

from ..speech import speech
from .calls import PBX
from .calls import PHONE
from .calls import SBC
from .calls import Script
from .calls import START

#: Where the description of calls.py says that media goes.
_PORT = 17002


def bad_for_a_while(call_id: str, customer_id: str) -> Evidence:
    """A call of 2 min 14 s through an SBC, with 4 to 14 % of the packets to the caller
    lost from 1:20 to 1:55.
    """
    script = Script(call_id, customer_id)
    script.log("INFO:core: new call from 198.51.100.23")
    script.invite(1)
    answered = START + round(script.at * 1e9)
    script.log("NOTICE:dialog: confirmed", "pbx-1")
    script.bye(2, times=2)
    script.log("ERROR:tm: retransmission, no reply from 198.51.100.23")
    phone, sbc, pbx = (end._replace(port=_PORT) for end in (PHONE, SBC, PBX))
    offset = 80 - (answered - START) / 1e9

    def lost(second: float) -> float:
        return _LOSSES.get(int((second - offset) // 5), 0.0)

    def late(second: float) -> float:
        return 25.0 if lost(second) else 3.0

    for src, dst, ssrc, how in (
        (phone, sbc, 0x1111, {}),
        (sbc, pbx, 0x1111, {}),
        (pbx, sbc, 0x2222, {}),
        (sbc, phone, 0x2222, {"lost": lost, "late_ms": late}),
    ):
        script.evidence.media.append(
            speech(src, dst, ssrc, start=answered, seconds=134, **how)
        )
    return script.evidence


#: By the number of the five seconds since 1:20.
_LOSSES = {0: 0.04, 1: 0.12, 2: 0.25, 3: 0.3, 4: 0.14, 5: 0.1, 6: 0.05}
