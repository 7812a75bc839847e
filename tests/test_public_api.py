"""What hosts import: the public names, and the old paths of documented ones."""

from __future__ import annotations

import importlib
import sys

import pytest

import flask_sipvault

PUBLIC = {
    "CatalogueEntry",
    "Evidence",
    "EvidenceReference",
    "Finding",
    "LinkError",
    "LinkSigner",
    "Rule",
    "SIPVault",
    "SettingsError",
    "Texts",
    "Vault",
    "call_document",
    "explain",
}

MOVED = {
    "flask_sipvault.links": ["LinkSigner", "LinkError"],
    "flask_sipvault.settings": ["SettingsError"],
    "flask_sipvault.analysis.dialog": ["explain"],
}


#: Signals have a name of another kind.
SIGNALS = {"call_opened": "call-opened", "call_refused": "call-refused"}


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_public_signals_are_imported_from_the_package(name: str) -> None:
    assert getattr(flask_sipvault, name).name == SIGNALS[name]


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_names_are_imported_from_the_package(name: str) -> None:
    assert getattr(flask_sipvault, name).__name__ == name


@pytest.mark.parametrize("module", sorted(MOVED))
def test_a_documented_old_path_works_and_warns(module: str) -> None:
    sys.modules.pop(module, None)
    with pytest.warns(DeprecationWarning, match="from flask_sipvault"):
        old = importlib.import_module(module)
    for name in MOVED[module]:
        assert getattr(old, name) is getattr(flask_sipvault, name)
