"""Whom a page is for: the language that the reader understands."""

from __future__ import annotations

from flask import current_app
from flask import request

from ..language import best
from ..language import SOURCE_LANGUAGE


def readers_language(setting: str) -> str:
    """The language to answer this request in.

    Where the host has Flask-Babel, its choice is ours, so that a page speaks one
    language.

    :param setting: ``SIPVAULT_LANGUAGE``: a language, or ``auto``.
    """
    if setting != "auto":
        return setting
    if wants_json(for_programs=False):
        return SOURCE_LANGUAGE
    babel = current_app.extensions.get("babel")
    if babel is not None:
        selector = getattr(babel, "locale_selector", None)
        chosen = selector() if selector else None
        return best([str(chosen or getattr(babel, "default_locale", ""))])
    return best(request.accept_languages.values())


def wants_json(*, for_programs: bool) -> bool:
    """Whether the client would rather have JSON than a page.

    :param for_programs: whether that is so unless the client asks for a page, instead
        of only where it asks for JSON.
    """
    kinds = ["text/html", "application/json"]
    if for_programs:
        kinds.reverse()
    # Of what a client likes equally, "*/*" say, the first of ours wins.
    best_kind = request.accept_mimetypes.best_match(kinds, default=kinds[0])
    return best_kind == "application/json"
