"""What a store has of one call, told without reading it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .objects import StoredObject


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is of a call. An object never changes, so that two equal listings
    stand for the same evidence.

    :param legs: pairs of a reason and another Call-ID of the same call.
    """

    customer_id: str
    call_id: str
    parts: tuple[StoredObject, ...]
    legs: tuple[tuple[str, str], ...]

    @property
    def version(self) -> str:
        """Another text whenever there is more of the call: how many objects there are,
        a hyphen, and which.
        """
        names = repr(([part.key for part in self.parts], list(self.legs)))
        digest = hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{len(self.parts) + len(self.legs)}-{digest[:16]}"
