"""The language in which a reader is spoken to.

Whoever answers a reader says once in which language, with :func:`speak`; whatever then
puts words together asks :func:`_` for them. Without it they are English, as the
catalogue is: so are the command line and what is made for programs.

The catalogues are ``translations/<language>/LC_MESSAGES/sipvault.po``, of the usual
gettext kind; ``make messages`` brings them up to date with the sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations
from gettext import NullTranslations
from importlib.resources import files

#: What there is, by the name that gettext and Babel give it.
LANGUAGES = ("en", "pt_BR")

#: The language that the words in the sources are.
SOURCE_LANGUAGE = "en"

_current: ContextVar[str] = ContextVar("sipvault_language", default=SOURCE_LANGUAGE)


def speak(language: str) -> None:
    """From here on in this context, use the language.

    :param language: one of :data:`LANGUAGES`.
    """
    _current.set(language)


def spoken() -> str:
    """The language in use, one of :data:`LANGUAGES`."""
    return _current.get()


def language_tag() -> str:
    """The language in use, as HTML writes it (BCP 47): ``pt-BR``."""
    return spoken().replace("_", "-")


def best(tags: Iterable[str]) -> str:
    """The language for whoever reads these, the liked best first: ``pt-PT``, ``en_GB``.

    A reader of some other Portuguese is better off with Brazil's than with English.
    """
    for tag in tags:
        primary = tag.replace("_", "-").partition("-")[0].lower()
        for language in LANGUAGES:
            if language.partition("_")[0] == primary:
                return language
    return SOURCE_LANGUAGE


def _(text: str) -> str:
    """The text in the language in use."""
    return _catalogue(_current.get()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The text for a number of things in the language in use."""
    return _catalogue(_current.get()).ngettext(one, many, count)


def N_(text: str) -> str:  # noqa: N802
    """Mark a text for the catalogue where it is no time to translate it yet."""
    return text


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    folder = files("flask_sipvault") / "translations" / language / "LC_MESSAGES"
    with (folder / "sipvault.mo").open("rb") as file:
        return GNUTranslations(file)
