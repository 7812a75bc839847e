"""The rooms of the package, and which may import from which: data comes in, is kept, is
explained, is shown. A room imports only from rooms below it; modules never in a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "flask_sipvault"

#: From the top to the bottom. Rooms in one line do not import from each other.
ROOMS: list[set[str]] = [
    {"", "links", "settings"},  # the package's public names, and their old paths
    {"cli"},
    {"doctor"},
    {"extension"},
    {"dashboard", "collector"},
    {"services"},
    {"config"},
    {"access", "signals"},
    {"importing"},
    {"opensips_cp", "generators"},
    {"vault"},
    {"masking"},
    {"sipp"},
    {"analysis"},
    {"correlation"},
    {"evidence"},
    {"protocols"},
    {"language", "private_files", "sanitize", "singleflight"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

#: Pure rooms know nothing of the web, of stores, of sockets.
PURE = {"protocols", "evidence", "correlation", "analysis", "masking", "sipp"}
FORBIDDEN = {"flask", "boto3", "botocore", "redis", "socket", "werkzeug", "sqlite3"}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str, *, at_run_time: bool = False) -> Iterator[str]:
    """What a module imports, by full name.

    :param at_run_time: leave out what only the type checker sees.
    """
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if at_run_time and id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")
                above = above[: len(above) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in MODULES else base


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("name", MODULES)
def test_a_room_imports_only_from_rooms_below_it(name: str) -> None:
    here = room(name)
    assert here in LEVEL, "a new room: give it its place in ROOMS"
    wrong = [
        other
        for other in imports(name)
        if other in MODULES and room(other) != here
        if LEVEL[room(other)] <= LEVEL[here]
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [n for n in MODULES if room(n) in PURE])
def test_pure_rooms_know_nothing_of_web_store_or_socket(name: str) -> None:
    assert {other.split(".")[0] for other in imports(name)} & FORBIDDEN == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        name: {
            other
            for other in imports(name, at_run_time=True)
            if other in MODULES and other != name
            # A package's own __init__ is imported before its modules in any case.
            if not name.startswith(f"{other}.")
        }
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
