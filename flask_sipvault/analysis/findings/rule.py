"""A rule: one function that looks for one thing, and the texts that say it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from ..call import Call
from .model import Finding


@dataclass(frozen=True, slots=True)
class Texts:
    """What a finding says. Each text is English, marked for translation by ``N_``, and
    has the finding's parameters as placeholders: ``{duration_ms}`` is written as a
    duration.

    :param headline: one sentence: what is wrong, who is concerned, and where.
    :param explanation: two or three sentences: why that is so and what follows.
    :param next: what to check, in order.
    """

    headline: str
    explanation: str
    next: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue of findings says beside the texts.

    :param title: a few words: ``ACK missing``.
    :param meaning: what the finding means.
    :param noticed: what callers and callees notice.
    :param causes: the likely causes, the most frequent first.
    :param confirm: how to confirm it, in the page, in the capture, on the hosts.
    :param fix: how to mend it.
    :param settings: settings that matter, by product: ``OpenSIPS``, ``Kamailio``,
        ``Asterisk`` (PJSIP), ``FreeSWITCH``.
    """

    title: str
    meaning: str
    noticed: str = ""
    causes: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for.

    :param id: as in ``call.json`` and in the catalogue; never renamed.
    :param find: looks for it in a call; a generator that yields nothing where the
        capture cannot show it.
    :param texts: by variant; the only one, or the usual one, under "".
    :param standard: sections of RFCs and of ITU recommendations:
        ``RFC 3261 13.2.2.4``.
    :param rank: among findings of one severity the lowest comes first. A cause ranks
        before what usually follows from it.
    :param explains: ids of findings that this one explains where both hold; they are
        folded under it.
    :param last_resort: whether it only says what any other error explains: then it is
        folded under that.
    """

    id: str
    find: Callable[[Call], Iterable[Finding]]
    texts: Mapping[str, Texts]
    catalogue: CatalogueEntry
    standard: tuple[str, ...] = ()
    rank: int = 500
    explains: frozenset[str] = frozenset()
    last_resort: bool = False
