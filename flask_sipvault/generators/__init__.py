"""The link generators for CDR viewers that run outside this process.

Each is one file to copy. Each of its settings comes from the environment, or else from
the fall-back that stands in the file; here the fall-backs are filled in.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

Language = Literal["php", "node", "python"]

#: The file of each language.
FILES: dict[Language, str] = {
    "php": "generate_link.php",
    "node": "generate_link.js",
    "python": "generate_link.py",
}

# How each reads a setting; its fall-back follows.
_READ: dict[Language, str] = {
    "php": "getenv('{name}') ?: ",
    "node": "process.env.{name} || ",
    "python": 'os.environ.get("{name}") or ',
}

_FALLBACKS: dict[Language, dict[str, str]] = {
    "php": {"": "''", "sippulse": "'sippulse'"},
    "node": {"": "''", "sippulse": "'sippulse'"},
    "python": {"": '""', "sippulse": '"sippulse"'},
}


def filled(
    language: Language,
    *,
    base_url: str,
    customer_id: str,
    secret: str | None,
    weak_secrets: bool = False,
) -> str:
    """The generator's text, with what it falls back on filled in.

    :param base_url: where the dashboard is reached, up to and without ``/call``.
    :param customer_id: whose links it makes.
    :param secret: the customer's; None leaves it to the environment, so that the file
        holds no secret.
    :param weak_secrets: whether it takes a secret that can be found by trying.
    """
    text = Path(__file__).with_name(FILES[language]).read_text(encoding="utf-8")
    text = _fill(text, language, "SIPVAULT_BASE_URL", "", base_url)
    text = _fill(text, language, "SIPVAULT_CUSTOMER_ID", "sippulse", customer_id)
    if secret is not None:
        text = _fill(text, language, "SIPVAULT_HMAC_SECRET", "", secret)
    if weak_secrets:
        text = _fill(text, language, "SIPVAULT_WEAK_SECRETS", "", "true")
    return text


def literal(language: Language, value: str) -> str:
    """The value as a string literal of the language."""
    if language == "php":
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if language == "node":
        return json.dumps(value)
    return repr(value)


def _fill(text: str, language: Language, name: str, default: str, value: str) -> str:
    read = _READ[language].format(name=name)
    before = read + _FALLBACKS[language][default]
    if text.count(before) != 1:
        raise RuntimeError(f"{FILES[language]} does not read {name} exactly once")
    return text.replace(before, read + literal(language, value))
