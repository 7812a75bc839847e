"""Timers of SIP, under the names that the RFCs give them. All in nanoseconds, as the
times of messages are.

Values are the defaults; phones and proxies may be set to others, so that a measured
time is held against them with :data:`TOLERANCE`.
"""

from __future__ import annotations

_SECOND = 1_000_000_000
_MS = 1_000_000

#: Estimate of a round trip (RFC 3261 section 17.1.1.1).
T1 = 500 * _MS

#: The longest pause between retransmissions of a request that is not an INVITE, and of
#: responses to an INVITE (section 17.1.2.2).
T2 = 4 * _SECOND

#: How long a message may stay in the network (section 17.1.2.2).
T4 = 5 * _SECOND

#: First pause before an INVITE is sent again over UDP; it doubles each time.
TIMER_A = T1

#: An INVITE without any response is given up (section 17.1.1.2).
TIMER_B = 64 * T1

#: A proxy gives up an INVITE that only met provisional responses after more than this
#: (section 16.6, step 11).
TIMER_C = 180 * _SECOND

#: A request other than INVITE without a final response is given up (17.1.2.2).
TIMER_F = 64 * T1

#: The server gives up waiting for the ACK of a refusal (section 17.2.1).
TIMER_H = 64 * T1

#: The called side gives up waiting for the ACK of its 2xx, and hangs up
#: (section 13.3.1.4).
ACK_WAIT = 64 * T1

#: A reliable provisional response without a PRACK is given up, and the INVITE refused
#: with a 5xx (RFC 3262 section 3). Its pauses double from T1 without an upper limit.
PRACK_WAIT = 64 * T1

#: How long a client may keep an early dialog of a fork after the first 2xx
#: (section 13.2.2.4).
FORK_WAIT = 64 * T1

#: After a 491 the side that chose the Call-ID tries again after so long, the other
#: after 0 to 2 s (section 14.1).
GLARE_OWNER = (2_100 * _MS, 4_000 * _MS)
GLARE_OTHER = (0, 2_000 * _MS)

#: Least session interval that anybody may ask for (RFC 4028 section 4).
MIN_SE = 90 * _SECOND

#: Session interval that is recommended (RFC 4028 section 4).
SESSION_EXPIRES = 1800 * _SECOND

#: So long before the interval ends, the side that does not refresh hangs up; a third of
#: the interval where that is shorter (RFC 4028 section 10).
SESSION_MARGIN = 32 * _SECOND

#: By so much a timer of the field may miss its value.
TOLERANCE = 750 * _MS


def session_cut_after(interval: int) -> int:
    """How long after the last refresh a session that nobody refreshes is hung up."""
    return interval - min(SESSION_MARGIN, interval // 3)


def invite_retransmissions() -> list[int]:
    """When an INVITE without any response is sent again over UDP, since the first."""
    times, pause = [TIMER_A], TIMER_A
    while times[-1] + 2 * pause < TIMER_B:
        pause *= 2
        times.append(times[-1] + pause)
    return times
