"""What has to change in a tree for the button to be there, or to be gone; and doing it.

A plan is made and checked as a whole before the first file is written. The file that
makes the viewer show the button is written last and taken back first, so that it never
leads to what is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from . import lint
from . import tree as files
from .column import knows_columns
from .column import with_column
from .marking import ForeignEditError
from .marking import MARK
from .marking import refuse_foreign
from .marking import UnknownFileError
from .marking import unmarked
from .template import with_button
from .tree import Tree
from .tree import TreeError

#: Whether the viewer's template is changed, or its settings file.
Mode = Literal["template", "config"]

#: What the first line of ``status`` says, and no other.
State = Literal[
    "installed",
    "not installed",
    "partly installed",
    "wiped by an upgrade",
    "edited by hand",
    "not recognised",
]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Change:
    """One file's way from what it is to what it shall be.

    :param before: None where there is no file yet.
    :param after: None where the file is deleted.
    :param like: whose owner and group it gets.
    :param mode: its permissions, if not those of ``like``.
    :param shown: whether a diff of it may be printed: it holds no secret.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    like: Path
    mode: int | None = None
    shown: bool = True

    def make(self) -> None:
        """:raises TreeError: if it cannot be done; then the file is as it was."""
        if self.after is None:
            files.remove(self.path)
        else:
            files.replace(self.path, self.after, like=self.like, mode=self.mode)


@dataclass(frozen=True)
class Report:
    """How things are: in a word, and what there is to say of single files."""

    state: State
    notes: tuple[str, ...]


def plan_installation(tree: Tree, generator: str, mode: Mode) -> list[Change]:
    """The changes that put the button in; none if it is in and as it must be.

    :param generator: the filled generator, the secret included.
    :raises TreeError: if the tree is not as known, or somebody has put in a button by
        hand, or PHP would no longer take the changed file. Nothing is to be changed
        then.
    """
    path, put_in = _edited(tree, mode)
    before = _must_read(path)
    try:
        for other in _editable(tree):
            refuse_foreign(unmarked(_must_read(other)))
            if other != path and _is_ours(other):
                raise TreeError(f"the button is in {other}: uninstall it first.")
        after = put_in(before)
    except (ForeignEditError, UnknownFileError) as error:
        raise TreeError(f"{path}: {error}. Nothing was changed.") from error
    _lint(path, before, after)
    private = partial(Change, like=tree.config, mode=files.PRIVATE, shown=False)
    wanted = [
        private(tree.generator, files.read(tree.generator), _generator(generator)),
        Change(tree.redirect, files.read(tree.redirect), _redirect(), like=path),
        Change(path, before, after, like=path),
    ]
    for change in wanted[:2]:
        _refuse_somebody_elses(change)
    changes = [change for change in wanted if _is_needed(change)]
    if before != after:
        backup = tree.backup(path)
        changes.insert(0, private(backup, files.read(backup), unmarked(before)))
    return changes


def plan_removal(tree: Tree) -> list[Change]:
    """The changes that take the button out: the files are, byte for byte, as before."""
    edits: list[Change] = []
    backups: list[Change] = []
    for path in _editable(tree):
        before = _must_read(path)
        plain = unmarked(before)
        if plain != before:
            edits.append(Change(path, before, plain, like=path))
        backup = tree.backup(path)
        # One that differs is of another version: its owner may want to look at it.
        if files.read(backup) == plain:
            backups.append(Change(backup, plain, None, like=backup, shown=False))
    ours = [
        Change(path, text, None, like=path, shown=path == tree.redirect)
        for path in (tree.redirect, tree.generator)
        if MARK in (text := files.read(path) or b"")
    ]
    return [*edits, *ours, *backups]


def make(changes: Sequence[Change]) -> Iterator[Path]:
    """Make the changes, one after the other, telling which is done.

    :raises TreeError: if one cannot be made: nearly always it is known before the first
        is begun; otherwise those after it are not made.
    """
    for change in changes:
        files.refuse_unwritable(
            change.path, like=None if change.after is None else change.like
        )
    for change in changes:
        change.make()
        yield change.path


def report(tree: Tree) -> Report:
    """How much of the button is in the tree."""
    marked = [path for path in _editable(tree) if MARK in _must_read(path)]
    beside = [path for path in (tree.generator, tree.redirect) if _is_ours(path)]
    try:
        for path in _editable(tree):
            refuse_foreign(unmarked(_must_read(path)))
        with_button(_must_read(tree.template))
    except ForeignEditError as error:
        return Report("edited by hand", (f"{path}: {error}",))
    except UnknownFileError as error:
        if not marked:
            return Report("not recognised", (f"{tree.template}: {error}",))
    if not marked and not beside:
        return Report("not installed", ())
    if not marked:
        left = " and ".join(str(path) for path in beside)
        return Report(
            "wiped by an upgrade",
            (f"{left} are still there: install it again, or uninstall it",),
        )
    notes = tuple(_shortcomings(tree, marked))
    return Report("partly installed" if notes else "installed", notes)


def _shortcomings(tree: Tree, marked: list[Path]) -> Iterator[str]:
    for path in marked:
        mode: Mode = "template" if path == tree.template else "config"
        before = _must_read(path)
        try:
            whole = _edited(tree, mode)[1](before)
        except UnknownFileError as error:
            yield f"{path}: changed since; {error}"
        else:
            if before != whole:
                yield f"{path}: what was put in is not whole, or of another version"
    if len(marked) > 1:
        yield "the button is in two files: uninstall it, and install it once"
    if not _is_ours(tree.generator):
        yield f"{tree.generator}: is missing"
    elif not _must_read(tree.generator).endswith(_cell()):
        yield f"{tree.generator}: is of another version"
    elif tree.generator.stat().st_mode & 0o007:
        yield f"{tree.generator}: holds the secret, and everybody can read it"
    if files.read(tree.redirect) != _redirect():
        yield f"{tree.redirect}: is missing, or of another version"


def _edited(tree: Tree, mode: Mode) -> tuple[Path, Callable[[bytes], bytes]]:
    """The file that is changed, and the change.

    :raises TreeError: if this version has no such file.
    """
    if mode == "template":
        return tree.template, with_button
    if not knows_columns(_must_read(tree.template)):
        raise TreeError(
            "this version's viewer has no $display_fields (8.3 and later do): put the"
            " button into its template."
        )
    for path in tree.settings:
        if path.is_file():
            # 9.x keeps in its database what 8.3 has in this file.
            return path, partial(with_column, show=path.name == "local.inc.php")
    raise TreeError(f"{tree.config} has no settings file of the viewer.")


def _editable(tree: Tree) -> list[Path]:
    return [path for path in (tree.template, *tree.settings) if path.is_file()]


def _lint(path: Path, before: bytes, after: bytes) -> None:
    complaint = lint.problem(after)
    # Some versions' own templates do not pass: that is not our doing.
    if complaint and lint.problem(before) == "":
        raise TreeError(f"{path}: PHP would not take it: {complaint}")


def _refuse_somebody_elses(change: Change) -> None:
    if change.before is not None and MARK not in change.before:
        raise TreeError(
            f"{change.path} is there and not of ours: move it away. Nothing was"
            " changed."
        )


def _is_needed(change: Change) -> bool:
    if change.before != change.after:
        return True
    mode = change.path.stat().st_mode & 0o7777
    return change.mode is not None and mode != change.mode


def _is_ours(path: Path) -> bool:
    return MARK in (files.read(path) or b"")


def _must_read(path: Path) -> bytes:
    data = files.read(path)
    if data is None:
        raise TreeError(f"{path} is gone.")
    return data


def _generator(filled: str) -> bytes:
    return filled.encode() + _cell()


def _cell() -> bytes:
    # It goes on where the generator ends.
    return (_HERE / "cell.php").read_bytes().removeprefix(b"<?php\n")


def _redirect() -> bytes:
    return (_HERE / "redirect.php").read_bytes()
