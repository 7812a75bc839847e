from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import pytest

from flask_sipvault.access.links import LinkSigner
from flask_sipvault.generators import FILES
from flask_sipvault.generators import filled
from flask_sipvault.generators import Language

INTERPRETERS = {"php": "php", "node": "node", "python": sys.executable}

#: Each holds what means something in the string literals of some language.
AWKWARD = [
    "a secret with 'single', \"double\" and `other` quotes",
    "a secret with \\ a \\\\ and a \\' at its end \\",
    "a secret with $variables, ${braces} and {$both}",
    "a secret with <?php tags ?> and </script>",
    "a secret with é, ☎, \U0001f4de and \u2028 within",
    "a secret with \n a line end and a \t within",
]


@pytest.mark.parametrize("secret", AWKWARD)
@pytest.mark.parametrize("language", list(FILES))
def test_what_is_filled_in_is_what_it_signs_with(
    tmp_path: Path, need_tool: Callable[[str], str], language: Language, secret: str
) -> None:
    path = tmp_path / FILES[language]
    path.write_text(
        filled(
            language,
            base_url="https://vault.example/o'neil",
            customer_id=secret,
            secret=secret,
        ),
        encoding="utf-8",
    )
    printed = subprocess.run(
        [need_tool(INTERPRETERS[language]), str(path), "1-123@192.0.2.1"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.strip()
    assert printed.startswith("https://vault.example/o'neil/call/")
    link = urlsplit(printed)
    signer = LinkSigner(secret, customer_id=secret)
    verified = signer.verify(link.path.rsplit("/", 1)[1], parse_qs(link.query))
    assert verified == (secret, "1-123@192.0.2.1")


@pytest.mark.parametrize("language", list(FILES))
def test_without_a_secret_it_is_left_to_the_environment(language: Language) -> None:
    text = filled(
        language, base_url="https://vault.example", customer_id="acme", secret=None
    )
    with_one = filled(
        language, base_url="https://vault.example", customer_id="acme", secret="x" * 9
    )
    assert text != with_one
    assert len(with_one) - len(text) == 9
