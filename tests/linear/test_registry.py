"""Nothing that reads text off the wire is forgotten.

Whoever adds a public function that takes text, or what holds text, adds it to
:mod:`readers`, or a reason why it need not be there to :data:`EXEMPT`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType
from types import FrameType
from types import ModuleType

import pytest

import flask_sipvault

from .families import FEW
from .messages import call
from .messages import PLACES
from .readers import CALL_READERS
from .readers import MESSAGE_READERS
from .readers import PAGE_READERS
from .readers import READERS
from .readers import STREAM_READERS
from .whole_path import open_everything

_PACKAGE = "flask_sipvault."

#: What holds text off the wire; a parameter of such a type makes a reader.
_TEXTS = re.compile(r"\b(str|bytes|bytearray|BinaryIO)\b")
_HOLDERS = re.compile(
    r"\b(SipMessage|Evidence|Call|Message|Segment|Sdp|Media|LogLine|SipPacket|Captured"
    r"|Item|Frame|HepPacket|Datagram|NameAddr|Row|Ladder|ExplainedCall|Reason|Part)\b"
)

_SETTINGS = "reads what the operator wrote: settings, command lines, secrets"
_OWN_FILES = "reads files of the installation, which no stranger writes"
_OWN_NAMES = "is given names and addresses that are the package's own"
_KEEPS = "passes texts on, or keeps them by their hash, without looking into them"
_BOUNDED = "reads a request, whose length the server bounds, by one pass of a library"
_WRITES = "writes what it is given, piece by piece"

#: Why these are not measured: a module with all that is in it, or one function.
EXEMPT = {
    "access": _BOUNDED,
    "analysis.findings.authentication.Exchange": "compares two nonces",
    "analysis.findings.capture_limits.finds": "is given the texts of a rule",
    "analysis.findings.refused_evidence": "is given what a piece of evidence shows",
    "analysis.findings.absent_audio": "reads times and addresses",
    "analysis.findings.media_references": "is given what a piece of evidence shows",
    "analysis.findings.references": "is given what a piece of evidence shows",
    "analysis.findings.unanswered.where_it_ends": "picks transactions by their hops",
    "analysis.ladder.aliases": _SETTINGS,
    "analysis.media.rtcp_streams.Sources": "reads sources and addresses",
    "analysis.media.negotiation.Negotiation.lines_of": "is given the word audio",
    "analysis.sip.message.names_a_transaction": "looks at seven characters",
    "analysis.sip.transactions.Transaction": "picks messages by their numbers",
    "analysis.words.reasons": "looks up a cause, and quotes a text",
    "analysis.words.catalogue.entries": "reads the texts of rules",
    "analysis.words.catalogue.entry_of": "looks a name up",
    "analysis.words.findings": "is given the name of a rule",
    "dashboard.panels.findings.catalogue": "looks a name up",
    "analysis.media.emodel": "is given a codec's name and looks it up",
    "cli": _SETTINGS,
    "collector.acceptor": _KEEPS,
    "collector.authentication": _KEEPS,
    "collector.call_tracker": _KEEPS,
    "collector.connection": "feeds protocols.agent and protocols.hep_stream, measured",
    "collector.connections": _KEEPS,
    "collector.customer_calls": _KEEPS,
    "collector.ingress": _KEEPS,
    "collector.listeners": _SETTINGS,
    "collector.logins": _KEEPS,
    "collector.part_writer": _KEEPS,
    "collector.pipeline": _KEEPS,
    "collector.redis_correlation": _KEEPS,
    "collector.refusals": _KEEPS,
    "collector.replay": _SETTINGS,
    "collector.restart": _OWN_NAMES,
    "collector.spool": _KEEPS,
    "collector.spool_tables": _KEEPS,
    "config": _SETTINGS,
    "correlation.leg_records": "reads what another collector of ours wrote, by json",
    "correlation.legs.LegCorrelator.compare": _KEEPS,
    "correlation.legs.LegCorrelator.features": _KEEPS,
    "correlation.call_state.CallState.recalled": "reads what the spool kept of ours",
    "correlation.media_index.MediaIndex": _KEEPS,
    "dashboard.access": _KEEPS,
    "dashboard.addresses": _OWN_NAMES,
    "dashboard.audit": _KEEPS,
    "dashboard.button": _OWN_NAMES,
    "dashboard.call_cache.ExplainedCalls.text": _KEEPS,
    "dashboard.errors": _KEEPS,
    "dashboard.exports.files.bundle": _KEEPS,
    "dashboard.exports.ladder_file.style_source": _OWN_FILES,
    "dashboard.exports.ladder_file.stylesheet": _OWN_FILES,
    "dashboard.formatting": "writes figures",
    "dashboard.negotiation": _BOUNDED,
    "dashboard.page_builder": _OWN_NAMES,
    "dashboard.pagination": _OWN_NAMES,
    "dashboard.panels.findings.view.time_of": "looks up a message by its number",
    "dashboard.panels.messages.comparison": "shows analysis.sip.comparison, measured",
    "dashboard.panels.timeline.axis": _BOUNDED,
    "dashboard.state": _OWN_NAMES,
    "dashboard.view_state": _BOUNDED,
    "dashboard.views": _BOUNDED,
    "doctor": _SETTINGS,
    "evidence.call_hash": _KEEPS,
    "extension": _OWN_NAMES,
    "generators": _SETTINGS,
    "importing.importer.CaptureImporter.__init__": _OWN_NAMES,
    "importing.rtp_buffer": "keeps packets of RTP, and looks at their first 12 bytes",
    "language": _OWN_NAMES,
    "masking.pseudonyms.Pseudonyms.__init__": _OWN_NAMES,
    "masking.texts.TextMask.__init__": _OWN_NAMES,
    "masking.texts.words": _OWN_NAMES,
    "opensips_cp": _OWN_FILES,
    "private_files": _OWN_FILES,
    "analysis.media.presence": "reads figures",
    "analysis.media.model.Media.streams_of": "is given the word audio",
    "analysis.media.quality.Note": "is given a code of ours",
    "correlation.lost_packets": "keeps bounded numbers of times and sizes",
    "protocols.rtp_events": "reads figures",
    "protocols.rtp_packetization": "reads figures",
    "protocols.tcp_handshakes": "keeps a bounded number of packets, and reads flags",
    "protocols.agent.build": _WRITES,
    "protocols.network.ip_text": "is given four or sixteen bytes",
    "protocols.rtp_figures": "reads figures",
    "protocols.rtp_parts": "reads figures",
    "services": _OWN_NAMES,
    "vault.archive": "reads members of bounded size by zlib",
    "vault.folder": _OWN_NAMES,
    "vault.leg_index": _KEEPS,
    "vault.objects": _OWN_NAMES,
    "vault.shared_links": _OWN_NAMES,
    "vault.s3": _OWN_NAMES,
    "vault.vault": _OWN_NAMES,
    "vault.bundle.pack_members": _WRITES,
}


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(flask_sipvault.__path__, _PACKAGE):
        with warnings.catch_warnings():
            # Modules that moved say so, and hold nothing of their own.
            warnings.simplefilter("ignore", DeprecationWarning)
            yield importlib.import_module(found.name)


def _functions() -> Iterator[tuple[str, CodeType, str]]:
    """Public functions and methods: name, code, and their parameters' types."""
    for module in _modules():
        short = module.__name__.removeprefix(_PACKAGE)
        for name, found in vars(module).items():
            if name.startswith("_") or _home(found) != module.__name__:
                continue
            if inspect.isfunction(found):
                yield f"{short}.{name}", found.__code__, _types(found)
            elif inspect.isclass(found):
                for inner, method in vars(found).items():
                    function = getattr(method, "__func__", method)
                    is_public = not inner.startswith("_") or inner == "__init__"
                    if is_public and inspect.isfunction(function):
                        code = function.__code__
                        yield f"{short}.{name}.{inner}", code, _types(function)


def _home(found: object) -> str:
    return getattr(found, "__module__", "") or ""


def _types(function: object) -> str:
    annotations = dict(getattr(function, "__annotations__", {}))
    annotations.pop("return", None)
    return " ".join(map(str, annotations.values()))


def _is_data(name: str) -> bool:
    """Whether a constructor only keeps what it is given: that of a dataclass."""
    module, _, owner = name.removesuffix(".__init__").rpartition(".")
    found = getattr(sys.modules.get(_PACKAGE + module), owner, None)
    return name.endswith(".__init__") and hasattr(found, "__dataclass_fields__")


def _is_exempt(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:end]) in EXEMPT for end in range(1, len(parts) + 1))


def _registered() -> set[str]:
    by_name = {name.partition(" ")[0] for name in (*READERS, *STREAM_READERS)}
    groups = [*MESSAGE_READERS.values(), *CALL_READERS.values()]
    return by_name.union(PAGE_READERS, *(names for _, names in groups))


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> set[CodeType]:
    """The code that runs while everything in the registry reads a few short texts."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    texts = [text(40) for text in FEW.values()]
    sys.setprofile(note)
    try:
        for text in texts:
            for read in (*READERS.values(), *STREAM_READERS.values()):
                with suppress(ValueError):
                    read(text)
        for dress in PLACES.values():
            for read_message, _ in (*MESSAGE_READERS.values(), *CALL_READERS.values()):
                with suppress(ValueError):
                    read_message(dress("a"))
        folder = tmp_path_factory.mktemp("reached")
        open_everything(folder, call(PLACES["User-Agent"]("a"), "a"))
    finally:
        sys.setprofile(None)
    return seen


def test_every_function_that_takes_text_is_measured_or_has_a_reason_not_to_be() -> None:
    known = _registered()
    missing = [
        name
        for name, _, types in _functions()
        if _TEXTS.search(types)
        and name not in known
        and not _is_exempt(name)
        and not _is_data(name)
    ]
    assert not missing, "\n".join(missing)


def test_every_function_that_takes_what_holds_text_is_reached_by_what_is_measured(
    reached: set[CodeType],
) -> None:
    missing = [
        name
        for name, code, types in _functions()
        if _HOLDERS.search(types)
        and not _TEXTS.search(types)
        and code not in reached
        and not _is_exempt(name)
        and not _is_data(name)
    ]
    assert not missing, "\n".join(missing)


def test_what_is_registered_by_name_is_what_runs(reached: set[CodeType]) -> None:
    codes = {name: code for name, code, _ in _functions()}
    assert _registered() - codes.keys() == set()
    assert [name for name in _registered() if codes[name] not in reached] == []


def test_every_reason_is_for_something_that_there_is() -> None:
    names = [name for name, _, _ in _functions()]
    modules = {module.__name__.removeprefix(_PACKAGE) for module in _modules()}
    for exempt in EXEMPT:
        assert exempt in modules or any(
            name == exempt or name.startswith(f"{exempt}.") for name in names
        ), exempt
