"""The catalogue of findings, and what SIP status codes and Q.850 causes mean, in the
language in use.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass

from ...language import _
from ..findings.registry import rules_by_id
from ..findings.rule import Rule
from .reasons import CODE_WORDS
from .reasons import Q850_WORDS

_CODE = re.compile(r"[1-6][0-9]{2}")
_CAUSE = re.compile(r"(?:q\.?850[ :/-]*)?([0-9]{1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EntryWords:
    """An entry of the catalogue.

    :param says: the headlines that the finding may have, with words for placeholders.
    :param settings: pairs of a product and what to set in it.
    """

    id: str
    title: str
    says: tuple[str, ...]
    meaning: str
    noticed: str
    causes: tuple[str, ...]
    confirm: tuple[str, ...]
    fix: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    standard: tuple[str, ...]


def entries(rules: Mapping[str, Rule] | None = None) -> list[EntryWords]:
    """Every entry, by title."""
    every = (rules_by_id() if rules is None else rules).values()
    return sorted((_entry(rule) for rule in every), key=lambda entry: entry.title)


def entry_of(name: str) -> EntryWords | None:
    """The entry of a finding; None for an unknown id."""
    rule = rules_by_id().get(name)
    return None if rule is None else _entry(rule)


def _entry(rule: Rule) -> EntryWords:
    about = rule.catalogue
    return EntryWords(
        id=rule.id,
        title=_(about.title),
        says=tuple(_placeholders(_(texts.headline)) for texts in rule.texts.values()),
        meaning=_(about.meaning),
        noticed=_(about.noticed) if about.noticed else "",
        causes=tuple(_(text) for text in about.causes),
        confirm=tuple(_placeholders(_(text)) for text in about.confirm),
        fix=tuple(_placeholders(_(text)) for text in about.fix),
        settings=tuple((name, _(text)) for name, text in about.settings.items()),
        standard=rule.standard,
    )


def _placeholders(text: str) -> str:
    """``{wait_ms}`` as ``<wait>``: what stands there differs from call to call."""
    parts = string.Formatter().parse(text)
    return "".join(
        said if name is None else f"{said}<{name.removesuffix('_ms')}>"
        for said, name, _form, _conversion in parts
    )


def entry_lines(entry: EntryWords) -> Iterator[str]:
    """An entry for a terminal."""
    yield f"{entry.title} [{entry.id}]"
    yield ""
    yield entry.meaning
    if entry.noticed:
        yield ""
        yield _("What people notice: {text}").format(text=entry.noticed)
    for title, texts in (
        (_("What the finding says"), entry.says),
        (_("Causes"), entry.causes),
        (_("How to confirm"), entry.confirm),
        (_("How to fix"), entry.fix),
        (_("Settings"), tuple(f"{name}: {text}" for name, text in entry.settings)),
        (_("Standards"), entry.standard),
    ):
        if texts:
            yield ""
            yield f"{title}:"
            yield from (f"  - {text}" for text in texts)


def code_lines(code: str) -> list[str]:
    """What a SIP status code or a Q.850 cause means: ``503``, ``Q.850 34``, ``34``;
    nothing where neither is known by it.
    """
    text = code.strip()
    if _CODE.fullmatch(text) and int(text) in CODE_WORDS:
        return [f"SIP {text}: {_(CODE_WORDS[int(text)])}"]
    cause = _CAUSE.fullmatch(text)
    if cause and int(cause[1]) in Q850_WORDS:
        return [f"Q.850 {int(cause[1])}: {_(Q850_WORDS[int(cause[1])])}"]
    return []
