"""Legs noted in the vault, also where its store is away for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.leg_index import LegIndex
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import Vault

#: 24 November 2026, the day of the recordings.
NOW = 1_795_512_330


@pytest.fixture
def legs(own_corpus: Path) -> list[Evidence]:
    path = own_corpus / "b2bua_plain.pcap"
    with path.open("rb") as file:
        return list(
            import_capture(read_capture(file), customer_id="acme", source=path.name)
        )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(FolderStore(tmp_path), customer_id="acme")


def test_each_is_noted_with_the_other(vault: Vault, legs: list[Evidence]) -> None:
    marks = LegIndex(vault)
    for leg in legs:
        marks.note(leg)
    one, other = (leg.call_id for leg in legs)
    assert vault.legs(one, now=NOW) == [("media", other)]
    assert vault.legs(other, now=NOW) == [("media", one)]


def test_what_could_not_be_noted_is_noted_the_next_time(
    vault: Vault, legs: list[Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("nobody answers there")

    marks = LegIndex(vault)
    marks.note(legs[0])
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "put_all", away)
        with pytest.raises(StoreError):
            marks.note(legs[1])
    assert vault.legs(legs[0].call_id, now=NOW) == []
    marks.note(Evidence("acme", "a call of its own"))
    assert vault.legs(legs[0].call_id, now=NOW) == [("media", legs[1].call_id)]


def test_they_are_noted_under_the_day_of_the_later_leg(
    vault: Vault, legs: list[Evidence]
) -> None:
    legs[1].shift(24 * 3600 * 1_000_000_000)
    legs[0].shift(24 * 3600 * 1_000_000_000)
    marks = LegIndex(vault)
    for leg in legs:
        marks.note(leg)
    keys = [item.key for item in vault.store.list("calls/")]
    assert keys
    assert all("/2026-11-25/leg-media-" in key for key in keys)
