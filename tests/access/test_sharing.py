"""Shared links: what they open, until when, and what neither token nor store tells."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.access.links import CallIdError
from flask_sipvault.access.links import LinkError
from flask_sipvault.access.sharing import MAX_LINKS
from flask_sipvault.access.sharing import NothingStoredError
from flask_sipvault.access.sharing import Shares
from flask_sipvault.access.sharing import ShareSettings
from flask_sipvault.access.sharing import ShareTokens
from flask_sipvault.access.sharing import TooManyLinksError
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import Vault

KEY = "a key of the tests, long enough."
DAY = 86_400
NOW = 1_795_500_000
CALL = "a@10.0.0.7"


class Counted(FolderStore):
    """Counts what is asked of it, and may be down."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked = 0
        self.down = False

    def list(self, prefix: str, start_after: str = "") -> list:  # type: ignore[type-arg]
        self._ask()
        return super().list(prefix, start_after)

    def get(self, key: str) -> bytes | None:
        self._ask()
        return super().get(key)

    def put(self, key: str, data: bytes) -> None:
        self._ask()
        super().put(key, data)

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise StoreError("down")


class Sharing:
    """Two customers in one bucket."""

    def __init__(self, folder: Path, *, key: str = KEY, max_days: int = 14) -> None:
        self.store = Counted(folder)
        self.store.check()
        self.vaults = {
            each: Vault(self.store, customer_id=each, prefix=each)
            for each in ("acme", "globex")
        }
        self.shares = Shares(
            ShareSettings(max_days, key), self.vaults, self.vaults.__getitem__
        )

    def keep(self, call_id: str, customer_id: str = "acme") -> None:
        line = LogLine(NOW * 1_000_000_000, "proxy", "a line")
        self.vaults[customer_id].put(Evidence(customer_id, call_id, logs=[line]))

    def token(
        self,
        call_id: str = CALL,
        *,
        seconds: int = DAY,
        masked: bool = True,
        customer_id: str = "acme",
    ) -> str:
        return self.shares.make(
            customer_id, call_id, seconds=seconds, masked=masked, now=NOW
        )

    def refusal(self, token: str, now: float = NOW) -> str:
        with pytest.raises(LinkError) as caught:
            self.shares.open(token, now=now)
        assert caught.value.status == 401
        return caught.value.reason

    def stored(self) -> list[str]:
        return [item.key for item in self.store.list("")]


@pytest.fixture
def sharing(tmp_path: Path) -> Sharing:
    made = Sharing(tmp_path / "store")
    made.keep(CALL)
    return made


class TestTokens:
    TOKENS = ShareTokens(KEY, ["acme", "globex", "ünïcode", "acme2"])

    @given(
        st.sampled_from(["acme", "globex", "ünïcode", "acme2"]), st.integers(0, 2**39)
    )
    def test_one_tells_whose_it_is_and_when_it_ends(
        self, customer_id: str, until: int
    ) -> None:
        owner, name, end = self.TOKENS.read(self.TOKENS.make(customer_id, until))
        assert (owner, end) == (customer_id, until)
        assert len(name) == 32

    @given(st.text(max_size=200) | st.text("AZaz09-_+/=", min_size=56, max_size=56))
    def test_no_other_text_is_one(self, text: str) -> None:
        with pytest.raises(LinkError):
            self.TOKENS.read(text)

    def test_every_changed_character_is_noticed(self) -> None:
        made = self.TOKENS.make("acme", NOW)
        for at, character in enumerate(made):
            other = "A" if character != "A" else "B"
            with pytest.raises(LinkError):
                self.TOKENS.read(made[:at] + other + made[at + 1 :])

    def test_whoever_reads_one_learns_no_more_than_when_it_ends(self) -> None:
        one = base64.urlsafe_b64decode(self.TOKENS.make("acme", NOW))
        other = base64.urlsafe_b64decode(self.TOKENS.make("acme", NOW))
        assert b"acme" not in one
        same = sum(a == b for a, b in zip(one, other, strict=True))
        assert same < 5 + 6  # the time, and what is equal by chance

    def test_one_of_another_key_or_customer_is_none(self) -> None:
        for others in (ShareTokens(KEY[::-1], ["acme"]), ShareTokens(KEY, ["globex"])):
            with pytest.raises(LinkError):
                others.read(self.TOKENS.make("acme", NOW))


class TestOpening:
    @pytest.mark.parametrize("masked", [True, False])
    def test_it_opens_what_it_was_made_for(
        self, masked: bool, sharing: Sharing
    ) -> None:
        share = sharing.shares.open(sharing.token(masked=masked), now=NOW)
        assert (share.customer_id, share.call_id) == ("acme", CALL)
        assert (share.masked, share.until) == (masked, NOW + DAY)

    def test_it_works_until_its_time_is_up(self, sharing: Sharing) -> None:
        token = sharing.token()
        sharing.shares.open(token, now=NOW + DAY - 1)
        assert sharing.refusal(token, NOW + DAY) == "share_expired"

    def test_it_lives_no_longer_than_the_settings_now_allow(
        self, sharing: Sharing
    ) -> None:
        token = sharing.token(seconds=14 * DAY)
        shorter = Sharing(sharing.store.root, max_days=2)
        assert shorter.shares.open(token, now=NOW).until == NOW + 2 * DAY
        assert shorter.refusal(token, NOW + 2 * DAY) == "share_expired"
        assert shorter.shares.of_call("acme", CALL, now=NOW + 2 * DAY) == []

    def test_another_key_opens_nothing(self, sharing: Sharing) -> None:
        other = Sharing(sharing.store.root, key="another key of the tests, as long.")
        assert other.refusal(sharing.token()) == "invalid_share"

    def test_nothing_opens_where_sharing_is_off(self, sharing: Sharing) -> None:
        off = Sharing(sharing.store.root, max_days=0)
        assert off.refusal(sharing.token()) == "invalid_share"

    def test_a_link_of_one_customer_leads_to_nothing_of_another(
        self, sharing: Sharing
    ) -> None:
        sharing.keep(CALL, "globex")
        token = sharing.token()
        for item in sharing.store.list("acme/shares/"):
            data = sharing.store.get(item.key)
            assert data is not None
            sharing.store.put(item.key.replace("acme/", "globex/"), data)
            sharing.store.delete(item.key)
        assert sharing.refusal(token) == "share_revoked"

    def test_a_token_that_was_not_made_here_costs_the_store_nothing(
        self, sharing: Sharing
    ) -> None:
        asked = sharing.store.asked
        for token in ("", "x", "A" * 56, "A" * 10_000):
            assert sharing.refusal(token) == "invalid_share"
        assert sharing.store.asked == asked

    def test_while_the_store_is_down_there_is_no_telling(
        self, sharing: Sharing
    ) -> None:
        token = sharing.token()
        sharing.store.down = True
        with pytest.raises(StoreError):
            sharing.shares.open(token, now=NOW)

    @pytest.mark.parametrize(
        "data", [b"", b"{}", b"[]", b"[" * 100_000, b"\xff", b"null"]
    )
    def test_a_damaged_link_opens_nothing(self, data: bytes, sharing: Sharing) -> None:
        token = sharing.token()
        (key,) = (key for key in sharing.stored() if key.endswith("link.json"))
        sharing.store.put(key, data)
        assert sharing.refusal(token) == "share_revoked"
        assert sharing.shares.of_call("acme", CALL, now=NOW) == []


class TestMaking:
    @pytest.mark.parametrize("seconds", [0, -1, 14 * DAY + 1])
    def test_it_cannot_be_made_for_longer(self, seconds: int, sharing: Sharing) -> None:
        with pytest.raises(ValueError, match="live that long"):
            sharing.token(seconds=seconds)

    def test_it_is_made_of_a_call_that_is_stored(self, sharing: Sharing) -> None:
        with pytest.raises(NothingStoredError):
            sharing.token("nowhere@h")
        with pytest.raises(NothingStoredError):
            sharing.token(customer_id="globex")
        with pytest.raises(CallIdError):
            sharing.token("a\nb")

    def test_of_one_call_there_are_only_so_many(self, sharing: Sharing) -> None:
        tokens = [sharing.token() for _ in range(MAX_LINKS)]
        with pytest.raises(TooManyLinksError):
            sharing.token()
        link = sharing.shares.of_call("acme", CALL, now=NOW)[0]
        sharing.shares.revoke("acme", CALL, link.name)
        sharing.token()
        opened = [t for t in tokens if _opens(sharing, t)]
        assert len(opened) == MAX_LINKS - 1

    def test_nothing_that_is_kept_opens_the_call(self, sharing: Sharing) -> None:
        token = sharing.token()
        kept = [*sharing.stored()]
        kept += [(sharing.store.get(key) or b"").decode("latin-1") for key in kept]
        secret = token[6:]
        assert not any(secret[n : n + 8] in text for text in kept for n in range(42))


def _opens(sharing: Sharing, token: str) -> bool:
    try:
        sharing.shares.open(token, now=NOW)
    except LinkError:
        return False
    return True


class TestRevoking:
    def test_one_link_is_revoked_alone(self, sharing: Sharing) -> None:
        one, other = sharing.token(), sharing.token(masked=False)
        (name,) = (
            link.name
            for link in sharing.shares.of_call("acme", CALL, now=NOW)
            if link.masked
        )
        assert sharing.shares.revoke("acme", CALL, name)
        assert sharing.refusal(one) == "share_revoked"
        assert sharing.shares.open(other, now=NOW).call_id == CALL
        assert not sharing.shares.revoke("acme", CALL, name)

    def test_nothing_is_left_of_it(self, sharing: Sharing) -> None:
        before = sharing.stored()
        token = sharing.token()
        sharing.shares.note_opened(sharing.shares.open(token, now=NOW), now=NOW)
        assert len(sharing.stored()) == len(before) + 3
        (link,) = sharing.shares.of_call("acme", CALL, now=NOW)
        sharing.shares.revoke("acme", CALL, link.name)
        assert sharing.stored() == before

    def test_the_right_to_one_call_revokes_no_link_of_another(
        self, sharing: Sharing
    ) -> None:
        sharing.keep("b@h")
        sharing.keep(CALL, "globex")
        token = sharing.token()
        name = sharing.shares.open(token, now=NOW).link.name
        assert not sharing.shares.revoke("acme", "b@h", name)
        assert not sharing.shares.revoke("globex", CALL, name)
        assert sharing.shares.of_call("globex", CALL, now=NOW) == []
        sharing.shares.open(token, now=NOW)


class TestListing:
    def test_the_links_of_a_call_are_known_by_how_they_begin(
        self, sharing: Sharing
    ) -> None:
        tokens = [sharing.token(), sharing.token(seconds=2 * DAY, masked=False)]
        found = sharing.shares.of_call("acme", CALL, now=NOW)
        assert {(link.label, link.masked) for link in found} == {
            (tokens[0][:6], True),
            (tokens[1][:6], False),
        }
        left = sharing.shares.of_call("acme", CALL, now=NOW + DAY)
        assert [link.label for link in left] == [tokens[1][:6]]

    def test_the_days_it_was_opened_on_are_kept_each_once(
        self, sharing: Sharing
    ) -> None:
        share = sharing.shares.open(sharing.token(seconds=9 * DAY), now=NOW)
        asked = sharing.store.asked
        for now in (NOW, NOW + 5, NOW + 6, NOW + DAY):
            sharing.shares.note_opened(share, now=now)
        assert sharing.store.asked == asked + 2
        # Another process does not know what this one has noted.
        again = Sharing(sharing.store.root)
        again.shares.note_opened(share, now=NOW + DAY)
        days = sharing.vaults["acme"].shared_links.days_opened(share.link)
        assert days == ["2026-11-24", "2026-11-25"]

    def test_an_opening_that_cannot_be_kept_is_tried_again(
        self, sharing: Sharing
    ) -> None:
        share = sharing.shares.open(sharing.token(), now=NOW)
        sharing.store.down = True
        sharing.shares.note_opened(share, now=NOW)
        sharing.store.down = False
        sharing.shares.note_opened(share, now=NOW)
        days = sharing.vaults["acme"].shared_links.days_opened(share.link)
        assert days == ["2026-11-24"]


class TestBesideTheCalls:
    def test_a_link_is_no_part_of_the_call(self, sharing: Sharing) -> None:
        vault = sharing.vaults["acme"]
        before = vault.find(CALL, now=NOW), vault.listing(CALL, now=NOW)
        sharing.token()
        again = Sharing(sharing.store.root).vaults["acme"]
        assert (again.find(CALL, now=NOW), again.listing(CALL, now=NOW)) == before
        assert len(again.raw_parts(CALL, now=NOW)) == 1
        assert again.legs(CALL, now=NOW) == []

    def test_it_goes_with_the_call(self, sharing: Sharing) -> None:
        token = sharing.token(seconds=14 * DAY)
        vault = sharing.vaults["acme"]
        kept = sharing.stored()
        assert vault.prune(older_than_days=3, now=NOW + 3 * DAY) == []
        gone = vault.prune(older_than_days=3, now=NOW + 4 * DAY, dry_run=True)
        assert sorted(gone) == kept
        assert vault.prune(older_than_days=3, now=NOW + 4 * DAY) == gone
        assert sharing.stored() == []
        assert sharing.refusal(token) == "share_revoked"

    def test_what_has_ended_is_pruned_though_the_call_stays(
        self, sharing: Sharing
    ) -> None:
        before = sharing.stored()
        token, longer = sharing.token(), sharing.token(seconds=3 * DAY)
        sharing.shares.note_opened(sharing.shares.open(token, now=NOW), now=NOW)
        vault = sharing.vaults["acme"]
        assert len(vault.prune(older_than_days=90, now=NOW + 2 * DAY)) == 3
        assert len(sharing.stored()) == len(before) + 2
        sharing.shares.open(longer, now=NOW)

    def test_prune_touches_nothing_else(self, sharing: Sharing) -> None:
        foreign = ["acme/shares/readme", "acme/shares/2020-01-01/x/link.json"]
        for key in foreign:
            sharing.store.put(key, b"somebody's")
        sharing.vaults["acme"].prune(older_than_days=0, now=NOW + 99 * DAY)
        assert set(foreign) <= set(sharing.stored())


def test_by_the_clock_it_works_now(sharing: Sharing) -> None:
    token = sharing.shares.make("acme", CALL, seconds=60, masked=True)
    assert sharing.shares.open(token).until - time.time() <= 60
    assert len(sharing.shares.of_call("acme", CALL)) == 1
