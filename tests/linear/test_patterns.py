"""No regular expression of the package can be made to take more than linear time.

Every call of :mod:`re` in the package is found in its source. Its pattern is parsed,
and texts are made of it that match some way and then fail: each of its repetitions
pumped, alone, behind what comes before it, and together with all of its neighbours.
"""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

import flask_sipvault

from .measuring import growth

try:
    from re import _parser as sre_parse  # type: ignore[attr-defined]
except ImportError:  # before Python 3.11
    import sre_parse  # type: ignore[no-redef]

_ROOT = Path(flask_sipvault.__file__).parent

_FUNCTIONS = frozenset(
    {
        *("compile", "match", "fullmatch", "search", "sub", "subn", "split"),
        *("findall", "finditer"),
    }
)
_ANCHORED = frozenset({"match", "fullmatch"})

#: Expressions that are made at run time, and what they look like then.
_MADE = {
    "protocols/mime.py: (?:\\A|\\r?\\n)": (
        rb"(?:\A|\r?\n)\-\-boundary(--)?[ \t]*(?=\r?\n|\Z)"
    ),
}

#: Patterns that are handed to a function, and what that does with them.
_HANDED_ON = {"dashboard/panels/messages/highlight.py: ": frozenset({"match"})}

#: At most so many characters of a class are tried, and of the ways through a pattern.
_SAMPLES = 4


class Found(NamedTuple):
    """One pattern, where it stands, and by which methods it is used."""

    where: str
    pattern: Any
    flags: int
    uses: frozenset[str]


def _patterns() -> Iterator[Found]:
    for path in sorted(_ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if _is_of_re(node)]
        if not calls:
            continue
        name = ".".join(path.relative_to(_ROOT.parent).with_suffix("").parts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            module = importlib.import_module(name.removesuffix(".__init__"))
        for call in calls:
            assert isinstance(call, ast.Call)
            where = f"{path.relative_to(_ROOT)}: {ast.unparse(call.args[0])}"
            pattern, flags = _evaluated(call, vars(module), where)
            uses = _uses(call, tree)
            if uses == _FUNCTIONS:
                handed = (u for at, u in _HANDED_ON.items() if where.startswith(at))
                uses = next(handed, uses)
            yield Found(where, pattern, flags, uses)


def _is_of_re(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in _FUNCTIONS
    )


def _uses(call: ast.Call, tree: ast.Module) -> frozenset[str]:
    """The methods that a pattern is used by. Where it has no name of its own, or one
    that others may import, or is handed on, that may be any.
    """
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr != "compile":
        return frozenset({call.func.attr})
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.value is call:
            [target] = node.targets
            if isinstance(target, ast.Name) and target.id.startswith("_"):
                return _methods_of(target.id, tree) or _FUNCTIONS
    return _FUNCTIONS


def _methods_of(name: str, tree: ast.Module) -> frozenset[str]:
    methods = set()
    known = 1  # where it is assigned
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == name
            and node.attr in _FUNCTIONS | {"pattern"}
        ):
            methods.add(node.attr)
            known += 1
    seen = sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))
    return frozenset(methods - {"pattern"}) if seen == known else frozenset()


def _evaluated(
    call: ast.Call, names: dict[str, Any], where: str
) -> tuple[str | bytes, int]:
    flags = [k.value for k in call.keywords if k.arg == "flags"]
    if isinstance(call.func, ast.Attribute) and call.func.attr == "compile":
        flags += call.args[1:2]
    try:
        pattern = _value(call.args[0], names)
        return pattern, sum(int(_value(flag, names)) for flag in flags)
    except NameError:
        # A constant in a comprehension or a function: it must be in the list.
        [made] = [p for prefix, p in _MADE.items() if _starts(where, prefix)]
        return made, 0


def _starts(where: str, prefix: str) -> bool:
    file, _, beginning = prefix.partition(": ")
    return where.startswith(file) and repr(beginning)[1:-1] in where


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    expression = ast.fix_missing_locations(ast.Expression(node))
    return eval(compile(expression, "pattern", "eval"), dict(names))


def _attacks(pattern: str | bytes, flags: int) -> set[tuple[str, str, str]]:
    """What to pump: what stands before it, what is repeated, what comes after."""
    if isinstance(pattern, bytes):
        pattern = pattern.decode("latin-1")
    parsed = sre_parse.parse(pattern, flags)
    whole = _texts(parsed)
    attacks = set()
    for before, pumped in _pumps(parsed, [""]):
        for after in ("", "\0", "!", "\n", "x", *whole[:1]):
            attacks.add((before, pumped, after))
    for text in whole:
        attacks |= {("", text, "\0"), ("", text[:-1], "\0"), ("", text[:1], "\0")}
    return {attack for attack in attacks if attack[1]}


def _pumps(parsed: Any, before: list[str]) -> Iterator[tuple[str, str]]:
    """Each unbounded repetition: what leads to it, and a text of its body. Of two in a
    row also what both can match.
    """
    for place, (kind, value) in enumerate(parsed):
        lead = before + _texts(parsed[:place])
        name = str(kind)
        if name.endswith("REPEAT"):
            _, high, body = value
            if high > 20:
                for text in _texts(body):
                    yield from (("", text), *((some, text) for some in lead[:_SAMPLES]))
            yield from _pumps(body, lead)
        elif name == "SUBPATTERN":
            yield from _pumps(value[-1], lead)
        elif name == "BRANCH":
            for option in value[1]:
                yield from _pumps(option, lead)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _pumps(value[1], lead)
        elif name == "ATOMIC_GROUP":
            yield from _pumps(value, lead)


def _texts(parsed: Any) -> list[str]:
    """A few texts that a pattern matches, more or less."""
    made = [""]
    for kind, value in parsed:
        options = _options(str(kind), value)
        made = [text + option for text in made for option in options][: _SAMPLES * 2]
    return list(dict.fromkeys(made))


def _options(kind: str, value: Any) -> list[str]:
    if kind == "LITERAL":
        return [chr(value)]
    if kind == "NOT_LITERAL":
        return ["a" if value != ord("a") else "b"]
    if kind == "ANY":
        return ["a", " "]
    if kind == "IN":
        return _of_class(value)
    if kind == "SUBPATTERN":
        return _texts(value[-1])
    if kind == "ATOMIC_GROUP":
        return _texts(value)
    if kind == "BRANCH":
        return [text for option in value[1] for text in _texts(option)[:2]][:8]
    if kind.endswith("REPEAT"):
        low, high, body = value
        texts = _texts(body)
        return list(dict.fromkeys(t * max(low, min(high, 1)) for t in texts)) + (
            [""] if low == 0 else []
        )
    return [""]  # assertions, anchors, references


def _of_class(value: Any) -> list[str]:
    tried = "a1 \t.-:;=,@f_é\n\"'<A/"
    inside = [c for c in tried if _is_in(c, value)]
    for kind, what in value:
        if str(kind) == "LITERAL":
            inside.append(chr(what))
        elif str(kind) == "RANGE":
            inside.append(chr(what[0]))
    return list(dict.fromkeys(inside))[:_SAMPLES] or ["a"]


def _is_in(character: str, value: Any) -> bool:
    negated = any(str(kind) == "NEGATE" for kind, _ in value)
    found = False
    for kind, what in value:
        if str(kind) == "LITERAL":
            found |= ord(character) == what
        elif str(kind) == "RANGE":
            found |= what[0] <= ord(character) <= what[1]
        elif str(kind) == "CATEGORY":
            found |= _is_of_category(character, str(what))
    return found != negated


def _is_of_category(character: str, category: str) -> bool:
    word = character.isalnum() or character == "_"
    inside = {"DIGIT": character.isdigit(), "SPACE": character.isspace(), "WORD": word}
    found = next(is_in for name, is_in in inside.items() if category.endswith(name))
    return found != ("NOT" in category)


def _problem(
    pattern: str | bytes, flags: int = 0, uses: frozenset[str] = _FUNCTIONS
) -> str:
    compiled: re.Pattern[Any] = re.compile(pattern, flags)
    for before, pumped, after in sorted(_attacks(pattern, flags)):

        def text(n: int, parts: tuple[str, str, str] = (before, pumped, after)) -> str:
            return parts[0] + parts[1] * (n // len(parts[1]) + 1) + parts[2]

        def work(text: str) -> None:
            is_bytes = isinstance(pattern, bytes)
            subject: Any = text.encode("latin-1", "replace") if is_bytes else text
            if "match" in uses:
                compiled.match(subject)
            if "fullmatch" in uses:
                compiled.fullmatch(subject)
            if uses - _ANCHORED:
                for _ in compiled.finditer(subject):
                    pass

        # Far worse than quadratic shows itself in a few characters already.
        for n in (3, 20, 150, 1000):
            problem = growth(work, text, n)
            if problem:
                return f"{before!r} + {pumped!r} * {n} + {after!r}: {problem}"
    return ""


FOUND = {found.where: found for found in _patterns()}


@pytest.mark.parametrize("where", FOUND)
def test_a_pattern_takes_linear_time(where: str) -> None:
    _, pattern, flags, uses = FOUND[where]
    assert _problem(pattern, flags, uses) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:\w[\w-]{0,62}\.)+([A-Za-z]{2,24})(?!\w)",
        r"\w[\w-]*(?:\.\w[\w-]*)+!",
        rb"[\w-]{1,64} +(?:[^\r\n]* SIP/2\.0|[a-z]+:)",
        r"\s*;\s*",
        r"(?:a+)+b",
        r"[a-z]*[a-f]*!",
    ],
)
def test_a_pattern_that_takes_more_is_found(pattern: str | bytes) -> None:
    assert "times" in _problem(pattern)


def test_every_use_of_regular_expressions_is_by_the_module_re() -> None:
    for path in _ROOT.rglob("*.py"):
        source = path.read_text("utf-8")
        assert "from re import" not in source, path
        assert "import regex" not in source, path
