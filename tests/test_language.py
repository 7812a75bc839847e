"""The catalogue: whole, true to its placeholders, and spoken on every page."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.language import _
from flask_sipvault.language import best
from flask_sipvault.language import LANGUAGES
from flask_sipvault.language import ngettext
from flask_sipvault.language import SOURCE_LANGUAGE
from flask_sipvault.language import speak
from flask_sipvault.protocols.capture import read_capture

PACKAGE = Path(__file__).parents[1] / "flask_sipvault"
FOLDER = PACKAGE / "translations" / "pt_BR" / "LC_MESSAGES"
KEYWORDS = {
    "_": None,
    "N_": None,
    "sv_": None,
    "ngettext": (1, 2),
    "sv_n": (1, 2),
}
SECRET = "a secret of the tests"


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (FOLDER / "sipvault.po").open("rb") as file:
        return read_po(file, locale="pt_BR")


def extracted() -> set[str]:
    """What the sources say, by the first form of each message."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    found = extract_from_dir(PACKAGE, methods, keywords=KEYWORDS)
    ids = [message for _file, _line, message, _comments, _context in found]
    return {each[0] if isinstance(each, tuple) else each for each in ids}


def forms(message: Message) -> list[tuple[str, str]]:
    """Each form of a message beside its translation."""
    if isinstance(message.id, tuple):
        return [(message.id[-1], text) for text in message.string]
    return [(message.id, message.string)]


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _form, _how in string.Formatter().parse(text) if name}


def test_every_text_of_the_sources_is_translated(catalogue: Catalog) -> None:
    missing = []
    for text in sorted(extracted()):
        message = catalogue.get(text)
        if message is None or not all(there for __, there in forms(message)):
            missing.append(text)
    assert missing == [], "run make messages, and translate these"


def test_a_translation_has_the_placeholders_of_its_text(catalogue: Catalog) -> None:
    for message in catalogue:
        for text, translation in forms(message) if message.id else []:
            wanted = placeholders(text)
            if isinstance(message.id, tuple):
                # The singular may do without the number.
                assert placeholders(translation) <= wanted, text
            else:
                assert placeholders(translation) == wanted, text


def test_the_compiled_catalogue_is_the_written_one(catalogue: Catalog) -> None:
    with (FOLDER / "sipvault.mo").open("rb") as file:
        compiled = read_mo(file)
    for message in catalogue:
        if message.id and all(translation for __, translation in forms(message)):
            there = compiled.get(message.id)
            assert there is not None
            assert tuple(there.string) == tuple(message.string)


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (["pt-BR", "en"], "pt_BR"),
        (["pt-PT"], "pt_BR"),
        (["pt_BR"], "pt_BR"),
        (["fr", "pt", "en"], "pt_BR"),
        (["en-GB", "pt-BR"], "en"),
        (["de"], "en"),
        ([], "en"),
    ],
)
def test_the_first_language_known_is_spoken(tags: list[str], language: str) -> None:
    assert best(tags) == language


def test_without_a_word_on_it_english_is_spoken() -> None:
    assert _("Answered") == "Answered"
    assert ngettext("{count} line", "{count} lines", 2) == "{count} lines"


def test_numbers_have_their_forms() -> None:
    speak("pt_BR")
    try:
        spoken = [ngettext("{count} line", "{count} lines", n) for n in (0, 1, 2)]
    finally:
        speak(SOURCE_LANGUAGE)
    assert spoken == ["{count} linha", "{count} linha", "{count} linhas"]


Get = Callable[..., str]


@pytest.fixture
def host(tmp_path: Path) -> Flask:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(
        SIPVAULT_HMAC_SECRET=SECRET,
        SIPVAULT_CUSTOMER_ID="acme",
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    return app


def link(call_id: str) -> str:
    return LinkSigner(SECRET, customer_id="acme").url(call_id)


@pytest.fixture
def get(host: Flask, agent_corpus: Path) -> Get:
    """Open what lies under the link of a recorded call."""

    def of(recording: str, beside: str = "", **headers: str) -> str:
        if "sipvault" not in host.extensions:
            SIPVault(host)
        with (agent_corpus / f"{recording}.pcap").open("rb") as file:
            items = read_capture(file)
            evidence = next(import_capture(items, customer_id="acme", source=recording))
        with host.app_context():
            host.extensions["sipvault"].vault("acme").put(evidence)
        address = link(evidence.call_id).replace("?", f"{beside}?", 1)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return host.test_client().get(address, headers=sent).text

    return of


def headline(page: str) -> str:
    found = re.search("<h1>(.*?)</h1>", page)
    assert found
    return found[1]


def test_the_browser_chooses(get: Get) -> None:
    page = get("answered_rtcp", Accept_Language="pt-BR,pt;q=0.9,en;q=0.5")
    assert headline(page).startswith("Atendida, encerrada por quem ligou após 15 s.")
    assert '<html lang="pt-BR"' in page
    assert headline(get("answered_rtcp")).startswith("Answered, ended by the caller")


def test_the_setting_comes_before_the_browser(host: Flask, get: Get) -> None:
    host.config["SIPVAULT_LANGUAGE"] = "pt_BR"
    assert headline(get("busy_486", Accept_Language="en")).startswith(
        "Ocupado: o lado chamado rejeitou a chamada com 486 Busy Here"
    )


def test_the_hosts_babel_comes_before_the_browser(host: Flask, get: Get) -> None:
    class Babel:
        """As Flask-Babel keeps its configuration."""

        default_locale = "en"
        locale_selector = staticmethod(lambda: "pt_BR")

    host.extensions["babel"] = Babel()
    assert headline(get("busy_486", Accept_Language="en")).startswith("Ocupado")


def test_what_is_for_programs_is_english(get: Get) -> None:
    text = get("auth_invite", "/ladder.txt", Accept_Language="pt-BR")
    assert "with credentials" in text
    document = get("busy_486", "/call.json", Accept_Language="pt-BR")
    assert "ocupado" not in document.lower()


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
@pytest.mark.parametrize(
    "recording", ["answered_rtcp", "busy_486", "cancel_487", "noanswer", "auth_invite"]
)
def test_no_english_text_of_the_catalogue_is_left_on_a_page(
    host: Flask, get: Get, catalogue: Catalog, language: str, recording: str
) -> None:
    host.config["SIPVAULT_LANGUAGE"] = language
    page = get(recording)
    shown = set(re.findall(r">\s*([^<>]+?)\s*<", page))
    shown |= set(re.findall(r'(?:title|aria-label|placeholder)="([^"]+)"', page))
    english = {
        text
        for message in catalogue
        if message.id
        for text, translation in forms(message)
        if text != translation
    }
    assert shown & english == set()


def test_what_a_template_says_comes_from_the_catalogue() -> None:
    said = []
    for path in (PACKAGE / "dashboard" / "templates" / "sipvault").glob("*.html"):
        if path.name in ("report.html", "button.html"):
            continue
        text = re.sub(r"(?s)\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text())
        said += [
            f"{path.name}: {words}"
            for words in re.findall(r">([^<>]+)<", text)
            if re.search(r"[A-Za-z]{2}", words)
            and not re.fullmatch(r"\s*(SIP|SIP VAULT|SSRC|Call-ID:|Esc)\s*", words)
        ]
    assert said == []
