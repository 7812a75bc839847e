"""``flask sipvault import``: captures and logs into the vault."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from datetime import timedelta
from pathlib import Path

import click

from ..evidence import Evidence
from ..importing.importer import CaptureImporter
from ..importing.twice import adds_to
from ..importing.twice import offset_to
from ..protocols.capture import Captured
from ..protocols.capture import CaptureError
from ..protocols.capture import CaptureSummary
from ..protocols.capture import read_capture
from ..vault.leg_index import LegIndex
from ..vault.vault import day_of
from ..vault.vault import Vault
from .common import choose_customer
from .common import Command
from .common import complain
from .common import customer_option
from .common import find_installation
from .common import say

#: After how many items the progress bar is looked after.
_PROGRESS_ITEMS = 512

#: A capture's messages are held until they are written, and hardly any of them is part
#: of a cycle: to look for cycles after every 700 new objects, as Python does, finds
#: nothing and takes a tenth of the time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

#: How many parts are written at once: a disk is waited for once for all of them.
_BATCH = 256

_SECOND = 1_000_000_000

_existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import", cls=Command)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=_existing_file
)
@customer_option
@click.option(
    "--logs",
    metavar="FILE",
    multiple=True,
    type=_existing_file,
    help="A log: its lines that name one of the calls are kept with it.",
)
@click.option(
    "--all",
    "keep_all",
    is_flag=True,
    help="Keep every Call-ID; calls alone are kept otherwise.",
)
@click.option(
    "--shift-to-now",
    is_flag=True,
    help="Move all times so that the capture ends now, as for a demonstration.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a call.")
def import_command(
    files: tuple[Path, ...],
    customer_id: str | None,
    logs: tuple[Path, ...],
    keep_all: bool,
    shift_to_now: bool,
    as_json: bool,
) -> None:
    """Put the calls of captures (pcap, pcapng) into the vault.

    Several files are read as one, so that calls going on from one into the next come
    together. What is stored already, even with other times, is not written again.
    """
    installation = find_installation(need_secret=False)
    customer_id = choose_customer(installation, customer_id)
    installation.check_folders()
    gatherer = CaptureImporter(customer_id, keep_all=keep_all)
    vault = installation.vault(customer_id)
    legs = LegIndex(vault, installation.settings.leg_headers)
    imported = _Imported(vault, legs)
    captures = _Captures(files)
    with _collecting_rarely():
        with captures.progress(passes=2 if shift_to_now else 1):
            if shift_to_now:
                imported.shift = _until_now(captures)
                imported.moved = True
            for path in files:
                facts = CaptureSummary()
                items = captures.read(path, facts)
                imported.keep(gatherer.feed(items, path.name, facts))
                captures.note(path, facts)
        for path in logs:
            with path.open("rb") as file:
                imported.keep(gatherer.feed_log(file, path.name))
        imported.keep(gatherer.finish())
    summaries = imported.summaries.values()
    if summaries:
        say(
            "\n".join(
                summary.as_json(customer_id) if as_json else summary.as_text()
                for summary in summaries
            )
        )
    for problem in captures.problems:
        complain(problem)
    for note in _notes(gatherer, imported):
        complain(note)
    if captures.unreadable:
        raise click.exceptions.Exit(1)


@dataclass(slots=True)
class _Summary:
    """What was imported of one call, over all its parts.

    :param keys: the parts that hold it.
    :param known: how many of its parts hold something that was stored before, and
        ``written``, something that was not.
    :param offset: how far the times were moved to those it was stored with, in ns.
    """

    call_id: str
    messages: int = 0
    rtcp: int = 0
    logs: int = 0
    keys: list[str] = field(default_factory=list)
    known: int = 0
    written: int = 0
    offset: int = 0

    def add_key(self, key: str) -> None:
        if key not in self.keys:
            self.keys.append(key)

    @property
    def stored_before(self) -> str:
        """``no``, ``in part``, or ``all``: then nothing was written."""
        if not self.known:
            return "no"
        return "in part" if self.written else "all"

    def as_json(self, customer_id: str) -> str:
        return json.dumps(
            {
                "call_id": self.call_id,
                "customer_id": customer_id,
                "messages": self.messages,
                "rtcp": self.rtcp,
                "logs": self.logs,
                "key": self.keys,
                "stored_before": self.stored_before,
                "moved_seconds": self.offset / _SECOND,
            }
        )

    def as_text(self) -> str:
        before = {"no": "", "in part": ", a part stored before"}
        return (
            f"{self.call_id}  {self.messages} messages, {self.rtcp} RTCP,"
            f" {self.logs} log lines"
            f"{before.get(self.stored_before, ', all stored before')}"
        )


class _Imported:
    """Writes parts into the vault, and keeps count.

    :param shift: what to add to all times, in nanoseconds.
    :param moved: whether times are moved on purpose.
    :param too_old: the Call-IDs that no one will find, for they are too long ago.
    """

    def __init__(self, vault: Vault, legs: LegIndex) -> None:
        self.shift = 0
        self.moved = False
        self.summaries: dict[str, _Summary] = {}
        self.too_old: set[str] = set()
        self._batch: dict[str, Evidence] = {}
        self.vault = vault
        self._legs = legs
        today = day_of(time.time_ns())
        self._looked_back_to = date.min
        if vault.lookback_days:
            self._looked_back_to = today - timedelta(days=vault.lookback_days)

    def keep(self, parts: Iterable[Evidence]) -> None:
        """Write the parts, many at once; when this returns, all are in the store."""
        for part in parts:
            if part.call_id in self._batch or len(self._batch) == _BATCH:
                self._write()
            self._batch[part.call_id] = part
        self._write()

    def _write(self) -> None:
        """Write what is new of the parts at hand."""
        parts = list(self._batch.values())
        self._batch.clear()
        new: list[Evidence] = []
        for part in parts:
            if self.shift:
                part.shift(self.shift)
            summary = self.summaries.setdefault(part.call_id, _Summary(part.call_id))
            summary.messages += len(part.sip)
            summary.rtcp += len(part.rtcp)
            summary.logs += len(part.logs)
            if self._is_new(part, summary):
                new.append(part)
            if day_of(part.first_ts or 0) < self._looked_back_to:
                self.too_old.add(part.call_id)
        for part, key in zip(new, self.vault.put_all(new), strict=True):
            self.summaries[part.call_id].add_key(key)
        self._legs.note(*parts)

    def _is_new(self, part: Evidence, summary: _Summary) -> bool:
        """Whether any of a part is not stored yet; its times become those with which
        the rest of the call is.
        """
        stored = self.vault.find(part.call_id, since=date.min)
        if stored is None or not stored.parts:
            summary.written += 1
            return True
        offset = offset_to(stored, part, moved=self.moved)
        if offset:
            summary.offset = offset
        # All parts of a call are moved like the first of which something was known.
        if summary.offset and offset != 0:
            part.shift(summary.offset)
        new = adds_to(stored, part)
        summary.known += offset is not None or not new
        summary.written += new
        if not new:
            for key in stored.parts:
                summary.add_key(key)
        return new


class _Captures:
    """Reads captures, and remembers what was wrong with them.

    :param problems: in words for the operator, each once.
    :param unreadable: whether one of them could not be read at all.
    """

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.problems: list[str] = []
        self.unreadable = False
        self.paths = paths
        self._advance: Callable[[int], None] = _ignore

    @contextmanager
    def progress(self, *, passes: int) -> Iterator[None]:
        """Show how far the reading is, if someone is at the terminal to see it.

        :param passes: how often each capture will be read.
        """
        if not sys.stderr.isatty():
            yield
            return
        length = passes * sum(path.stat().st_size for path in self.paths)
        with click.progressbar(length=length, label="Reading", file=sys.stderr) as bar:
            self._advance = bar.update
            yield
            self._advance = _ignore

    def read(
        self, path: Path, summary: CaptureSummary | None = None
    ) -> Iterator[Captured]:
        """What one capture holds, up to where it is damaged."""

        def remember(problem: str) -> None:
            note = f"{path.name}: {problem}"
            if note not in self.problems:
                self.problems.append(note)

        with path.open("rb") as file:
            seen = 0
            try:
                items = read_capture(file, on_damage=remember, summary=summary)
                for count, item in enumerate(items):
                    if count % _PROGRESS_ITEMS == 0:
                        here = file.tell()
                        self._advance(here - seen)
                        seen = here
                    yield item
            except (CaptureError, OSError) as error:
                self.unreadable = True
                remember(str(error))
            self._advance(path.stat().st_size - seen)

    def note(self, path: Path, summary: CaptureSummary) -> None:
        """Remember what a capture lacks, though nothing is wrong with the file."""
        if summary.frames_cut:
            self.problems.append(
                f"{path.name}: {summary.frames_cut:,} of {summary.frames:,} frames are"
                f" cut off at {summary.cut_at} bytes, and what came behind is lost."
                " Capture with -s 0 to keep all of each frame."
            )
        if summary.clock_steps:
            times = summary.clock_steps
            often = "once" if times == 1 else f"{times} times"
            self.problems.append(
                f"{path.name}: time runs back {often} within it, as where a clock is"
                " set; durations of calls there may be wrong."
            )


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _ignore(count: int) -> None:
    """The progress of a reading that nobody watches."""


def _until_now(captures: _Captures) -> int:
    """From the last packet of the captures to now, in nanoseconds."""
    last = max(
        (item.ts for path in captures.paths for item in captures.read(path)),
        default=None,
    )
    return 0 if last is None else time.time_ns() - last


def _notes(gatherer: CaptureImporter, imported: _Imported) -> Iterator[str]:
    """What the operator might miss in the results."""
    if not imported.summaries:
        yield "No call was found."
    before = [each for each in imported.summaries.values() if each.known]
    if whole := [each for each in before if not each.written]:
        yield f"Calls stored before, not written again: {len(whole)}."
    if parts := [each for each in before if each.written]:
        yield f"Calls stored before in part: {len(parts)}. What is new was added."
    if moved := [each for each in before if each.offset]:
        yield (
            f"Calls stored before with other times: {len(moved)}. They keep the times"
            " that they were stored with first; flask sipvault prune deletes old ones."
        )
    if imported.too_old:
        yield (
            f"Calls more than {imported.vault.lookback_days} days old:"
            f" {len(imported.too_old)}. They are kept, but not found until"
            " SIPVAULT_LOOKBACK_DAYS is raised (0: no limit), or by flask sipvault"
            " show --since; --shift-to-now is for trials."
        )
    if gatherer.left_out:
        yield (
            f"SIP messages of no call, left out: {gatherer.left_out}."
            " --all keeps those that have a Call-ID."
        )
    if gatherer.cut_before_call_id:
        yield (
            "SIP messages that are cut off before the end of their Call-ID, left out:"
            f" {gatherer.cut_before_call_id}."
        )
    if gatherer.unplaced:
        yield f"RTCP datagrams of no call that was seen: {gatherer.unplaced}."
    if gatherer.unplaced_streams:
        yield f"RTP streams of no call that was seen: {gatherer.unplaced_streams}."
