"""The catalogue of findings as pages: what each means, its causes, how to fix it."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from ....analysis.words.catalogue import entries
from ....analysis.words.catalogue import entry_of
from ...errors import NoEntryError


def catalogue() -> ResponseReturnValue:
    """All findings, by title."""
    return render_template("sipvault/catalogue.html", entries=entries(), entry=None)


def catalogue_entry(name: str) -> ResponseReturnValue:
    """One finding."""
    entry = entry_of(name)
    if entry is None:
        raise NoEntryError
    return render_template("sipvault/catalogue.html", entries=[], entry=entry)
