"""A Control Panel on disk: where its files are, and how one of them is replaced."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

_TEMPLATE = "tools/system/cdrviewer/template/cdrviewer.main.php"
_CONFIG = "config/tools/system/cdrviewer"

#: The web server reads it by its group; nobody else does.
PRIVATE = 0o640


class TreeError(Exception):
    """A tree that is not as it must be, or cannot be written to."""


@dataclass(frozen=True)
class Tree:
    """The files that concern us, symbolic links resolved.

    :param template: the CDR viewer's.
    :param viewer: the folder of the viewer's pages, in ``web/``.
    :param config: the folder of the viewer's settings, which the web server does not
        hand out.
    """

    template: Path
    viewer: Path
    config: Path

    @property
    def generator(self) -> Path:
        """What holds the secret."""
        return self.config / "sipvault.php"

    @property
    def redirect(self) -> Path:
        """The page that a click leads to."""
        return self.viewer / "sipvault.php"

    @property
    def settings(self) -> tuple[Path, ...]:
        """Where a version may have the viewer's settings; the first there is counts."""
        names = ("local.inc.php", "db.inc.php")
        return tuple((self.config / name).resolve() for name in names)

    def backup(self, path: Path) -> Path:
        """Where a file that we change is kept as it was."""
        return self.config / f"{path.name}.before-sipvault"


def locate(path: Path) -> Tree:
    """The tree that a path leads to: its root, ``web/`` in it, or the template itself.

    :raises TreeError: if there is no Control Panel, or its settings lie where the web
        server hands them out.
    """
    for template in (path / "web" / _TEMPLATE, path / _TEMPLATE, path):
        if template.name == "cdrviewer.main.php" and template.is_file():
            break
    else:
        raise TreeError(
            f"{path} is no OpenSIPS Control Panel: web/{_TEMPLATE} is not in it. Give"
            " the folder that holds web/ and config/."
        )
    # The pages find config/ from the folder they run in, whatever led there.
    viewer = template.parent.parent.resolve()
    web = viewer.parents[2]
    config = (web.parent / _CONFIG).resolve()
    if not config.is_dir():
        raise TreeError(f"{web.parent} has no {_CONFIG}, where the secret would go.")
    if config.is_relative_to(web):
        raise TreeError(
            f"{config} lies in {web}: the web server would hand out the secret."
        )
    return Tree(template.resolve(), viewer, config)


def read(path: Path) -> bytes | None:
    """What is in the file; None if there is none.

    :raises TreeError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TreeError(f"{path} cannot be read: {error.strerror}") from error


def replace(path: Path, data: bytes, *, like: Path, mode: int | None = None) -> None:
    """Write the file at once or not at all.

    :param like: whose owner and group it gets.
    :param mode: its permissions; those of ``like`` if None.
    :raises TreeError: if it cannot be written, or not with that owner; then it is as
        it was.
    """
    try:
        wanted = like.stat()
        file, name = tempfile.mkstemp(dir=path.parent, prefix=".sipvault-")
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchown(file, wanted.st_uid, wanted.st_gid)
                os.fchmod(file, wanted.st_mode & 0o7777 if mode is None else mode)
                os.fsync(file)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise TreeError(f"{path} cannot be written: {error.strerror}") from error


def remove(path: Path) -> None:
    """Delete the file, if it is there.

    :raises TreeError: if it cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise TreeError(f"{path} cannot be deleted: {error.strerror}") from error


def refuse_unwritable(path: Path, *, like: Path | None) -> None:
    """So that nothing is begun that cannot be finished.

    :param like: whose owner and group the file gets; None where it is deleted.
    :raises TreeError: naming the file, and who can write it.
    """
    remedy = "run this as root, or as the owner of the Control Panel"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise TreeError(f"{path.parent} is not yours to write to: {remedy}.")
    if like is None or os.geteuid() == 0:
        return
    wanted = like.stat()
    groups = {os.getegid(), *os.getgroups()}
    if wanted.st_uid != os.geteuid() or wanted.st_gid not in groups:
        raise TreeError(
            f"{path} must belong to the owner and the group of {like}, which you"
            f" cannot see to: {remedy}."
        )
