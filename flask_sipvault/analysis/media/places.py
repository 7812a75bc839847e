"""Which part of the way something was captured on."""

from __future__ import annotations

from typing import Literal

#: By the ends of the call that are next to it: ``direct`` for both, ``between`` for
#: neither.
Place = Literal["direct", "caller", "callee", "between"]
