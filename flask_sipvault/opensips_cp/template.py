"""The CDR viewer's template: where the button goes in.

Four places change:

=========  ==========================================================================
include    after the opening ``<?php``: the generator is loaded, if it can be read
header     a column's title after Details
cell       a cell after that of the details; within it browsers throw the button out of
           the table, for it holds stray closing tags
width      the paging row spans one column more
=========  ==========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from .marking import GENERATOR
from .marking import MARK
from .marking import refuse_foreign
from .marking import UnknownFileError
from .marking import unmarked

_FIELD_SETTING = re.compile(
    rb"get_(?:settings_)?value\(\s*(['\"])sip_call_id_field_name\1\s*\)"
)
_FIELD_VARIABLE = re.compile(rb"\$sip_call_id_field_name\b")


class _Place(NamedTuple):
    """Where something goes in: after the only match of the pattern."""

    name: str
    pattern: re.Pattern[bytes]
    insert: Callable[[re.Match[bytes], bytes], bytes]


_INCLUDE = b"if (is_readable('%(file)s')) { include_once '%(file)s'; } %(mark)s" % {
    b"file": GENERATOR,
    b"mark": MARK,
}

_PLACES = (
    _Place(
        "the opening <?php",
        re.compile(rb"\A<\?php[ \t]*(?P<end>\r?\n)"),
        lambda found, field: _INCLUDE + found["end"],
    ),
    _Place(
        "the title of the column Details",
        re.compile(
            rb'(?m)^(?P<tag>[ \t]*<th class="(?:listT|T)itle" align="center">)Details'
            rb"</th>[ \t]*(?P<end>\r?\n)"
        ),
        lambda found, field: (
            found["tag"] + b"SIP VAULT<?php " + MARK + b" ?></th>" + found["end"]
        ),
    ),
    _Place(
        "the cell that prints $details_cdr",
        re.compile(
            rb"(?m)^(?P<tag>[ \t]*<td\b[^\r\n]*?>)<\?(?:php)?[ \t]*print \$details_cdr"
            rb"[ \t]*;?[ \t]*\?></td>[ \t]*(?P<end>\r?\n)"
        ),
        lambda found, field: (
            found["tag"]
            + b"<?php if (function_exists('sipvault_cell'))"
            + b" { echo sipvault_cell($result[$j], %s); } " % field
            + MARK
            + b" ?></td>"
            + found["end"]
        ),
    ),
    _Place(
        "the paging row's colspan",
        re.compile(
            rb'colspan="<\?(?:php)?[ \t]*print\(count\(\$show_field\)\+1(?=\)[ \t]*;?'
            rb'[ \t]*\?>")'
        ),
        lambda found, field: b"+1" + MARK,
    ),
)


def with_button(template: bytes) -> bytes:
    """The template with the button put in, whether or not it has one of ours already.

    :raises ForeignEditError: if somebody has put in a button by hand.
    :raises UnknownFileError: if a place is not there exactly once; which one, the
        message says.
    """
    plain = unmarked(template)
    refuse_foreign(plain)
    field = _call_id_field(plain)
    insertions = []
    for place in _PLACES:
        found = list(place.pattern.finditer(plain))
        if len(found) != 1:
            times = f"{len(found)} times" if found else "nowhere"
            raise UnknownFileError(
                f"{place.name} is found {times}, not once: this is no template of"
                " OpenSIPS Control Panel 6.2 to 9.3"
            )
        insertions.append((found[0].end(), place.insert(found[0], field)))
    for position, insertion in sorted(insertions, reverse=True):
        plain = plain[:position] + insertion + plain[position:]
    return plain


def _call_id_field(template: bytes) -> bytes:
    """The PHP expression for the name of the column that holds the Call-ID."""
    for pattern in (_FIELD_SETTING, _FIELD_VARIABLE):
        found = pattern.search(template)
        if found:
            return found[0]
    raise UnknownFileError(
        "nothing in it tells which column holds the Call-ID: this is no template of"
        " OpenSIPS Control Panel 6.2 to 9.3"
    )
