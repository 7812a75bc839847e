from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.document.document import call_document


def test_each_request_that_set_the_call_up_is_a_hop(field: Any) -> None:
    hops = field("fail503.pcap").hops
    assert [(hop.n, hop.upstream) for hop in hops[:4]] == [
        (1, None),
        (3, 1),
        (4, 3),
        (7, 3),
    ]
    assert hops[0].first_code == 100
    assert hops[0].final_code == 503


def test_what_dead_targets_cost_is_the_delay_of_the_next(field: Any) -> None:
    """Two gateways that refuse or stay silent, one after the other."""
    refused, silent = field("fail503.pcap").hops[2:4]
    assert refused.added_ms == 3400
    assert silent.first_code is None
    assert silent.retransmissions == 4


def test_a_hop_that_never_replied_gave_up(labelled: Any) -> None:
    first, silent = labelled("gateway-silent-408").hops
    assert (first.gave_up, silent.gave_up) == (False, True)
    assert silent.retransmissions == 6


def test_reinvites_are_no_hops(labelled: Any) -> None:
    assert len(labelled("hold-answered-sendrecv").hops) == 1


def test_the_document_has_them(labelled: Any) -> None:
    first, second = call_document(labelled("gateway-silent-408"))["hops"]
    assert second["upstream"] == first["n"] == 1
    assert second["dst"] == "192.0.2.90:5060"
    assert second["gave_up"] is True
