"""What is made of a call is kept, under a name that tells everything it depends on."""

from __future__ import annotations

import html
import itertools
import random
import re
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from flask_sipvault import LinkSigner
from flask_sipvault import SIPVault
from flask_sipvault.analysis.ladder.aliases import Aliases
from flask_sipvault.analysis.words.quality import audio_reason
from flask_sipvault.dashboard import call_cache
from flask_sipvault.dashboard.call_cache import ExplainedCall
from flask_sipvault.dashboard.call_cache import ExplainedCalls
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.language import SOURCE_LANGUAGE
from flask_sipvault.language import speak
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

from .calls import ALICE
from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import SECRET
from .calls import small_call
from .calls import START


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    speak(SOURCE_LANGUAGE)
    yield
    speak(SOURCE_LANGUAGE)


class Vaults:
    """Two customers with a call of the same Call-ID, under the same keys."""

    def __init__(self, folder: Path) -> None:
        self.kept = ExplainedCalls(Aliases())
        self._folder = folder
        self._vaults = {name: self._vault(name) for name in ("acme", "globex")}
        for customer in self._vaults:
            for call_id in ("one", "two", "three"):
                self.put(small_call(call_id, display=f"{customer} {call_id}"), customer)

    def put(self, evidence: Evidence, customer: str = "acme") -> None:
        self._vaults[customer].put(replace(evidence, customer_id=customer))

    def mark_legs(self, call_id: str, other: str) -> None:
        self._vaults["acme"].mark_legs(call_id, other, "header", "2026-11-23")

    def of(
        self,
        call_id: str = "one",
        *others: str,
        customer: str = "acme",
        masked: bool = False,
        language: str = SOURCE_LANGUAGE,
    ) -> ExplainedCall:
        vault = self._vaults[customer]
        listings = [vault.listing(each) for each in (call_id, *others)]
        speak(language)
        explained = self.kept.of(vault, listings[0], listings[1:], masked=masked)
        assert explained is not None
        return explained

    def _vault(self, customer: str) -> Vault:
        store = FolderStore(self._folder / customer)
        store.check()
        return Vault(store, customer_id=customer, lookback_days=3650)


@pytest.fixture
def vaults(tmp_path: Path) -> Vaults:
    return Vaults(tmp_path)


def text_of(explained: ExplainedCall) -> bytes:
    return b"".join(packet.payload for packet in explained.call.evidence.sip)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("others", [(), ("two",)], ids=["alone", "with a leg"])
def test_a_call_is_explained_once(
    masked: bool, others: tuple[str, ...], vaults: Vaults
) -> None:
    first = vaults.of("one", *others, masked=masked)
    assert vaults.of("one", *others, masked=masked) is first
    assert first.ladder("merged") is first.ladder("merged")


def test_nothing_is_made_of_what_is_not_stored(vaults: Vaults) -> None:
    vault = vaults._vaults["acme"]
    listing = vault.listing("missing")
    assert vaults.kept.of(vault, listing, masked=False) is None
    assert vaults.kept.evidence(vault, listing, masked=True) is None


def test_a_damaged_call_is_kept_as_well(
    vaults: Vaults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored does not change, and so the damage does not go away."""
    part = next((tmp_path / "acme").rglob("*.zip"))
    part.write_bytes(part.read_bytes()[:100])
    for call_id in ("one", "two", "three"):
        explained = vaults.of(call_id)
        assert vaults.of(call_id) is explained
    assert any(vaults.of(each).call.evidence.damage for each in ("one", "two", "three"))


OTHERS = {
    "another call": {"call_id": "two"},
    "another customer": {"customer": "globex"},
    "masked": {"masked": True},
}


class TestWhatIsKept:
    @pytest.mark.parametrize("other", OTHERS)
    def test_is_given_for_nothing_else(self, other: str, vaults: Vaults) -> None:
        here, there = vaults.of(), vaults.of(**OTHERS[other])  # type: ignore[arg-type]
        assert here is not there
        # In whatever order they are asked for.
        assert vaults.of() is here
        assert vaults.of(**OTHERS[other]) is there  # type: ignore[arg-type]

    def test_is_one_customers(self, vaults: Vaults) -> None:
        listings = [vaults._vaults[each].listing("one") for each in ("acme", "globex")]
        # The keys are the same, up to the digest of what is in them.
        assert listings[0].parts[0].key[:40] == listings[1].parts[0].key[:40]
        assert b"acme one" in text_of(vaults.of())
        assert b"globex one" in text_of(vaults.of(customer="globex"))

    def test_is_masked_or_not(self, vaults: Vaults) -> None:
        for _ in range(2):
            assert b"acme one" in text_of(vaults.of())
            assert b"acme one" not in text_of(vaults.of(masked=True))

    def test_is_the_same_in_all_languages_but_for_its_words(
        self, vaults: Vaults
    ) -> None:
        english = vaults.of()
        first = audio_reason(english.main.quality.audio)
        drawn = english.ladder("merged")
        assert first == "The call was not answered."
        portuguese = vaults.of(language="pt_BR")
        assert portuguese is english
        reason = audio_reason(portuguese.main.quality.audio)
        assert reason == "A chamada não foi atendida."
        assert portuguese.ladder("merged") is not drawn

    def test_is_with_these_legs_in_this_order(self, vaults: Vaults) -> None:
        ways = [("one",), ("one", "two"), ("two", "one"), ("one", "two", "three")]
        made = [vaults.of(*way) for way in ways]
        assert len({id(each) for each in made}) == len(ways)
        for explained, way in zip(made, ways, strict=True):
            assert vaults.of(*way) is explained
            legs = explained.call.legs or [explained.call]
            assert tuple(leg.evidence.call_id for leg in legs) == way

    def test_is_not_given_once_there_is_more_of_the_call(self, vaults: Vaults) -> None:
        before = vaults.of()
        end = packet("BYE sip:b SIP/2.0", call_id="one", after_ms=5000)
        vaults.put(Evidence("acme", "one", sip=[end]))
        assert len(vaults.of().call.messages) == len(before.call.messages) + 1

    def test_is_not_given_once_a_leg_has_more(self, vaults: Vaults) -> None:
        before = vaults.of("one", "two")
        end = packet("BYE sip:b SIP/2.0", call_id="two", after_ms=5000)
        vaults.put(Evidence("acme", "two", sip=[end]))
        after = vaults.of("one", "two")
        assert len(after.call.messages) == len(before.call.messages) + 1

    def test_is_not_given_once_a_leg_is_noted(self, vaults: Vaults) -> None:
        assert vaults.of().main.evidence.legs == []
        vaults.mark_legs("one", "two")
        assert vaults.of().main.evidence.legs == [("header", "two")]

    def test_is_named_by_the_masks_where_it_is_written(self, vaults: Vaults) -> None:
        listing = vaults._vaults["acme"].listing("one")
        texts = [
            vaults.kept.text(
                name, [listing], lambda n=name: n, masked=masked, length=len
            )
            for name in ("report", "other")
            for masked in (False, True)
        ]
        assert texts == ["report", "report", "other", "other"]
        made_again = vaults.kept.text(
            "report", [listing], lambda: "anew", masked=True, length=len
        )
        assert made_again == "report"


class TestMemory:
    def test_the_call_not_asked_for_the_longest_goes_first(
        self, vaults: Vaults, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = vaults.of("one")
        weight_of_one = vaults.kept._weight
        monkeypatch.setattr(call_cache, "KEPT_BYTES", int(2.5 * weight_of_one))
        two = vaults.of("two")
        assert vaults.of("one") is one
        vaults.of("three")
        assert vaults.of("one") is one
        assert vaults.of("two") is not two

    def test_what_was_made_of_one_call_goes_together_but_the_last_stays(
        self, vaults: Vaults, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call_cache, "KEPT_BYTES", 1)
        plain, masked = vaults.of(), vaults.of(masked=True)
        assert vaults.of() is plain
        assert vaults.of(masked=True) is masked
        vaults.of("two")
        assert vaults.of() is not plain
        assert len(vaults.kept._kept) == 1

    def test_however_many_calls_there_are_it_stays_within_its_bound(
        self, vaults: Vaults, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call_cache, "KEPT_BYTES", 1_000_000)
        for number in range(30):
            call_id = f"call {number}"
            vaults.put(small_call(call_id))
            vaults.of(call_id, masked=number % 2 == 0)
            weights = [each.weight for each in vaults.kept._kept.values()]
            assert vaults.kept._weight == sum(weights) <= 1_000_000

    @pytest.mark.parametrize("what", ["sip", "logs"])
    def test_everything_a_call_holds_counts(self, what: str, vaults: Vaults) -> None:
        size = 1_000_000
        long = Evidence("acme", "long")
        if what == "sip":
            long.sip.append(packet("INVITE sip:b SIP/2.0", body=b"x" * size))
        else:
            long.logs.append(LogLine(START, str(ALICE), "x" * size))
        vaults.put(replace(long, call_id="call@host"))
        before = vaults.kept._weight
        vaults.of("call@host")
        assert vaults.kept._weight - before > 2 * size


#: Who may see what of the one call, in whatever language.
RIGHTS = ("link", "masked link", "share", "masked share", "globex")
TONGUES = ("en", "pt-BR")
ENDS = ("", "report.html", "call.json", "sip.txt", "messages")


class TestRights:
    """What somebody saw before changes nothing of what another sees."""

    @pytest.fixture
    def shown(
        self, host: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str, str, str], str]:
        monkeypatch.setattr(time, "time_ns", lambda: START)
        host.config.update(
            SIPVAULT_SHARE_MAX_DAYS=1,
            SIPVAULT_SHARE_KEY="the key of shared links, in tests",
            SIPVAULT_CUSTOMERS=[
                {"id": CUSTOMER, "secret": SECRET},
                {"id": "globex", "secret": "the secret of globex"},
            ],
        )
        extension = SIPVault(host)
        extension.guard(lambda: None)
        for customer in (CUSTOMER, "globex"):
            call = replace(small_call(display=f"of {customer}"), customer_id=customer)
            host.extensions["sipvault"].vault(customer).put(call)
        client = host.test_client()
        link = link_to("call@host")
        links = {
            "link": link,
            "masked link": f"{link}&mask=1",
            "globex": LinkSigner("the secret of globex", customer_id="globex").url(
                "call@host"
            ),
        }
        for name, masked in (("share", "0"), ("masked share", "1")):
            page = client.post(
                file_of(link, "share"), data={"seconds": "3600", "masked": masked}
            ).text
            found = re.search(r'id="sv-sharelink">http://localhost([^<]+)<', page)
            assert found, page
            links[name] = f"{html.unescape(found[1])}?"

        def show(right: str, end: str, tongue: str) -> str:
            address = file_of(links[right], end) if end else links[right]
            answer = client.get(address, headers={"Accept-Language": tongue})
            assert answer.status_code == 200
            return answer.text

        return show

    def test_each_sees_what_is_his_whoever_came_before(
        self, shown: Callable[[str, str, str], str], host: Flask
    ) -> None:
        asked = list(itertools.product(RIGHTS, ENDS, TONGUES))
        alone = {}
        for each in asked:
            host.extensions["sipvault"].explained = ExplainedCalls(Aliases())
            alone[each] = shown(*each)
        pages = {alone[each] for each in asked if each[1] == ""}
        assert len(pages) == len(RIGHTS) * len(TONGUES)
        orders = random.Random(9)
        for _ in range(5):
            host.extensions["sipvault"].explained = ExplainedCalls(Aliases())
            order = orders.sample(asked, len(asked))
            for each in order:
                assert shown(*each) == alone[each], f"{each} in {order}"

    def test_nothing_of_the_others_is_in_it(
        self, shown: Callable[[str, str, str], str]
    ) -> None:
        for right, end, tongue in itertools.product(RIGHTS, ENDS, TONGUES):
            text = shown(right, end, tongue)
            assert ("of globex" in text) is (right == "globex")
            assert (f"of {CUSTOMER}" in text) is (right in ("link", "share"))
