"""The two sides of a call."""

from __future__ import annotations

from typing import Literal

#: Of a dialog, ``caller`` is who sent the INVITE that made it.
Side = Literal["caller", "callee"]


def other_side(side: Side) -> Side:
    """The one that this side speaks to."""
    return "callee" if side == "caller" else "caller"
