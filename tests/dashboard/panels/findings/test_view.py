"""The findings on the call's page."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from ....analysis.findings.test_labelled import evidence_of
from ...calls import words
from ...conftest import Keep


def page_of(name: str, client: FlaskClient, keep: Keep, **how: str) -> str:
    evidence = evidence_of(name)
    return client.get(keep(evidence), headers=how).text


def section(text: str) -> str:
    return text.partition('id="findings"')[2].partition("</section>")[0]


def test_the_first_line_names_the_cause(client: FlaskClient, keep: Keep) -> None:
    text = page_of("ack-lost-private-contact", client, keep)
    title = re.search("<h1>(.*?)</h1>", text)
    assert title is not None
    assert "No ACK for its 200 OK reaches" in title[1]


def test_a_finding_leads_to_its_messages_and_to_its_entry(
    client: FlaskClient, keep: Keep
) -> None:
    shown = section(page_of("ack-lost-private-contact", client, keep))
    assert 'href="#m4" data-ms=' in shown
    assert 'href="/sipvault/findings/ack-missing"' in shown
    assert "RFC 3261 13.2.2.4" in shown


def test_evidence_that_shows_the_same_is_told_once(
    client: FlaskClient, keep: Keep
) -> None:
    shown = section(page_of("ack-lost-private-contact", client, keep))
    assert shown.count("the answer, repeated") == 1
    assert shown.count('class="sv-evidence"') > 10


def test_a_healthy_call_says_what_was_looked_at(
    client: FlaskClient, keep: Keep
) -> None:
    shown = words(section(page_of("lan-private-healthy", client, keep)))
    assert "No problems found: signalling, audio both ways." in shown


def test_they_are_marked_on_the_axis(client: FlaskClient, keep: Keep) -> None:
    text = page_of("ack-lost-private-contact", client, keep)
    lane = text.partition('data-lane="findings"')[2].partition("</svg>")[0]
    assert lane.count("<line") >= 10


def test_they_speak_the_readers_language(client: FlaskClient, keep: Keep) -> None:
    text = page_of(
        "ack-lost-private-contact", client, keep, **{"Accept-Language": "pt-BR"}
    )
    assert "Erro" in section(text)
