"""Which rules there are: ours, and those that installed packages add.

A package adds rules by the entry point group ``flask_sipvault.findings``: each entry
point names a :class:`~flask_sipvault.analysis.findings.rule.Rule`.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Iterator
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType

from . import rules
from .rule import Rule

logger = logging.getLogger(__name__)

#: The group of entry points by which packages add rules.
ENTRY_POINTS = "flask_sipvault.findings"


@cache
def rules_by_id() -> Mapping[str, Rule]:
    """Every rule by its id: ours, then those of installed packages."""
    found = {rule.id: rule for rule in own_rules()}
    for rule in _installed_rules():
        if rule.id in found:
            logger.error("a second rule %s is left out: the id is taken", rule.id)
        else:
            found[rule.id] = rule
    return MappingProxyType(found)


def own_rules() -> Iterator[Rule]:
    """The rules of this package: each module of ``rules`` has one, ``RULE``."""
    for module in pkgutil.iter_modules(rules.__path__):
        rule = import_module(f"{rules.__name__}.{module.name}").RULE
        assert isinstance(rule, Rule)
        yield rule


def _installed_rules() -> Iterator[Rule]:
    for entry_point in entry_points(group=ENTRY_POINTS):
        try:
            rule = entry_point.load()
        except Exception:
            logger.exception("the rule %s cannot be loaded", entry_point.value)
            continue
        if isinstance(rule, Rule):
            yield rule
        else:
            logger.error("%s is not a Rule and is left out", entry_point.value)
