"""Who vouches for the caller, in the call's JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...protocols.passport import Names
from ..sip.identity import Identity


def identities_document(identities: Iterable[Identity]) -> list[dict[str, Any]]:
    """The Identity header fields, decoded. None was verified."""
    return [
        {
            "n": each.n,
            "ppt": each.passport.ppt or None,
            "compact": each.passport.compact,
            "alg": each.passport.alg or None,
            "info": each.passport.info or None,
            "x5u": each.passport.x5u or None,
            "attest": each.passport.attest or None,
            "orig": _names(each.passport.orig),
            "dest": _names(each.passport.dest),
            "div": _names(each.passport.div),
            "iat": each.passport.iat,
            "origid": each.passport.origid or None,
            "rph": list(each.passport.rph),
            "problems": list(each.passport.problems),
            "age_s": each.age_s,
            "fresh": each.fresh,
            "orig_is": each.orig,
            "dest_is": each.dest,
            "verified": None,
            "leg": each.leg or None,
        }
        for each in identities
    ]


def _names(names: Names) -> dict[str, list[str]]:
    return {"tn": list(names.numbers), "uri": list(names.uris)}
