"""The example's secrets: made at the first start, kept in the instance folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Keys:
    """What must never stand in a repository.

    :param session: signs the session cookie (Flask's ``SECRET_KEY``).
    :param links: by customer, signs the links to the customer's calls.
    """

    session: str
    links: dict[str, str]


def load_or_create(path: Path, customers: Iterable[str]) -> Keys:
    """The secrets kept at ``path``, which only its owner may read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = json.loads(path.read_text())
        return Keys(session=kept["session"], links=kept["links"])
    keys = Keys(
        session=secrets.token_hex(32),
        links={customer: secrets.token_hex(32) for customer in customers},
    )
    with os.fdopen(descriptor, "w") as file:
        json.dump({"session": keys.session, "links": keys.links}, file)
    return keys
