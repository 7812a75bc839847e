"""``extension-unsupported``: 420 and 421."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the


@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize("name", ["Require", "Proxy-Require"])
def test_what_is_demanded_may_be_unknown(story: Story, name: str, shape: str) -> None:
    story.invite(0, headers=(f"{name}: 100rel",))
    story.reply(0.1, "420 Bad Extension", headers=("Unsupported: 100rel",))
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "extension-unsupported")
    assert (finding.severity, finding.parameters["extension"]) == ("error", "100rel")


def test_the_request_says_what_the_420_does_not(story: Story) -> None:
    story.invite(0, headers=("Require: replaces",))
    story.reply(0.1, "420 Bad Extension")
    finding = the(story.call(), "extension-unsupported")
    assert finding.parameters["extension"] == "replaces"


def test_a_421_insists_on_what_is_not_offered(story: Story) -> None:
    story.invite(0)
    story.reply(0.1, "421 Extension Required", headers=("Require: timer",))
    finding = the(story.call(), "extension-unsupported")
    assert (finding.variant, finding.parameters["extension"]) == ("required", "timer")


@pytest.mark.parametrize(
    ("answer", "variant"),
    [("420 Bad Extension", "unnamed"), ("421 Required", "required-unnamed")],
)
def test_either_may_forget_to_say_which(
    story: Story, answer: str, variant: str
) -> None:
    story.invite(0).reply(0.1, answer)
    assert the(story.call(), "extension-unsupported").variant == variant


@pytest.mark.parametrize("second", ["200 OK", "486 Busy Here"])
def test_who_tries_again_without_it_knows_what_to_do(story: Story, second: str) -> None:
    story.invite(0, headers=("Require: 100rel",))
    story.reply(0.1, "420 Bad Extension", headers=("Unsupported: 100rel",))
    story.invite(0.2, cseq="2 INVITE", branch="z9hG4bK2")
    story.reply(0.3, second, cseq="2 INVITE", branch="z9hG4bK2")
    assert "extension-unsupported" not in ids(story.call())


def test_a_branch_of_a_fork_may_refuse_where_another_accepts(story: Story) -> None:
    story.invite(0, "alice > proxy", headers=("Require: 100rel",))
    story.invite(0.01, "proxy > bob", branch="z9hG4bK8")
    story.reply(0.02, "420 Bad Extension", "bob > proxy", branch="z9hG4bK8")
    story.invite(0.03, "proxy > carol", branch="z9hG4bK9")
    story.reply(1, "200 OK", "carol > proxy", branch="z9hG4bK9")
    story.reply(1.01, "200 OK", "proxy > alice")
    assert "extension-unsupported" not in ids(story.call())


def test_within_a_call_only_the_change_fails(story: Story) -> None:
    story.invite(0).reply(1, "200 OK")
    about = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.message(9, "alice > bob", "INVITE", headers=("Require: x",), **about)
    story.message(9.1, "bob > alice", "420 Bad Extension", **about)
    assert the(story.call(), "extension-unsupported").severity == "warning"
