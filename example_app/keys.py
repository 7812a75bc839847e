"""The example's secrets: made at the first start, kept in the instance folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from flask_sipvault import private_files


@dataclass(frozen=True)
class Keys:
    """What must never stand in a repository.

    :param session: signs the session cookie (Flask's ``SECRET_KEY``).
    :param links: by customer, signs the links to the customer's calls.
    :param tokens: by customer, lets an agent send its calls (``make demo LIVE=1``).
    """

    session: str
    links: dict[str, str]
    tokens: dict[str, str]


def load_or_create(path: Path, customers: Sequence[str]) -> Keys:
    """The secrets kept at ``path``, which only its owner may read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = json.loads(path.read_text())
        if "tokens" not in kept:  # made before there were any
            kept["tokens"] = _one_each(customers)
            private_files.write(path, json.dumps(kept).encode())
        return Keys(**kept)
    keys = Keys(
        session=secrets.token_hex(32),
        links=_one_each(customers),
        tokens=_one_each(customers),
    )
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keys), file)
    return keys


def _one_each(customers: Sequence[str]) -> dict[str, str]:
    return {customer: secrets.token_hex(32) for customer in customers}
