from __future__ import annotations

from flask_sipvault.analysis.sip import timers

SECOND = 1_000_000_000


def test_an_invite_is_sent_seven_times_before_timer_b() -> None:
    """RFC 3261 section 17.1.1.2: at 0, 500 ms, 1500 ms, 3500 ms, …"""
    again = [ns / SECOND for ns in timers.invite_retransmissions()]
    assert again == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert timers.TIMER_B == 32 * SECOND


def test_a_session_is_cut_32_seconds_before_its_end_or_after_two_thirds() -> None:
    """RFC 4028 section 10."""
    assert timers.session_cut_after(1800 * SECOND) == 1768 * SECOND
    assert timers.session_cut_after(90 * SECOND) == 60 * SECOND
