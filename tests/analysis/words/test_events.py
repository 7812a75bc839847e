from __future__ import annotations

from contextvars import copy_context
from typing import Any

from flask_sipvault.analysis.ladder.ladder import as_text
from flask_sipvault.analysis.words.events import event_line
from flask_sipvault.analysis.words.events import event_words
from flask_sipvault.language import speak


def test_a_hold_says_how_long_it_lasted(labelled: Any) -> None:
    hold, resume = labelled("hold-answered-sendrecv-healthy").events
    assert event_words(hold) == "on hold by the caller for 3.6 s"
    assert event_words(resume) == "resumed by the caller"
    (kept,) = labelled("hold-cut-by-rtp-timeout").events
    assert event_words(kept) == "on hold by the caller for 30 s, not resumed"


def test_a_transfer_says_whereto_and_what_came_of_it(field: Any) -> None:
    transfer = field("b2bua60.pcap").events[-1]
    assert event_words(transfer) == "transfer to 3001 by the caller: 200"


def test_an_event_has_its_time_since_the_start(labelled: Any) -> None:
    call = labelled("hold-answered-sendrecv-healthy")
    line = event_line(call.events[1], call.messages[0].ts)
    assert line.endswith("resumed by the caller")
    assert line.startswith("0:0")


def test_in_portuguese(labelled: Any) -> None:
    hold = labelled("hold-answered-sendrecv-healthy").events[0]
    # The language belongs to the context, and goes with it.
    context = copy_context()
    context.run(speak, "pt_BR")
    words = context.run(event_words, hold)
    assert words == "em espera por quem ligou durante 3.6 s"


def test_the_text_of_a_call_ends_with_its_events(labelled: Any) -> None:
    lines = as_text(labelled("hold-answered-sendrecv-healthy")).splitlines()
    assert "on hold by the caller for 3.6 s" in lines[-2]
    assert "resumed by the caller" in lines[-1]


def test_a_mirror_ports_copies_are_drawn_once(story: Any) -> None:
    for late in (0, 0.0004):
        story.invite(late).reply(1 + late, "200 OK")
    drawn = as_text(story.call())
    assert drawn.count("INVITE") == 1
    assert "\N{MULTIPLICATION SIGN}" not in drawn
