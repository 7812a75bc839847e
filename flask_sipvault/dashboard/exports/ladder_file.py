"""The ladder as a file of its own: an SVG that needs nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from markupsafe import escape
from markupsafe import Markup

from ...analysis.explain import Call
from ...analysis.ladder.ladder import Ladder
from ...analysis.words.headline import headline
from ...sanitize import on_one_line
from ..panels.ladder.media_band import media_band
from ..panels.ladder.row import cut
from ..panels.ladder.svg import HEADS_HEIGHT
from ..panels.ladder.svg import LadderPen
from ..panels.ladder.view import call_start
from ..panels.quality.brief import media_lines

_TITLE = 34
_MARGIN = 12
_TITLE_CHARACTER = 7.4  # width of the title's average character, in pixels

#: What an XML document cannot hold, however it is written (XML 1.0 section 2.2).
_NO_XML = re.compile("[\ufffe\uffff]")

#: Where a row leads to on a page.
_LINK = re.compile(' href="#m[0-9]+"')


def stylesheet(name: str) -> Markup:
    """A style sheet that a file takes along. It lies beside the templates."""
    folder = files("flask_sipvault.dashboard") / "templates" / "sipvault"
    return Markup((folder / name).read_text("utf-8"))  # noqa: S704 - a file of ours


def style_source(style: str) -> str:
    """What a content security policy allows this style sheet by (CSP 3, section 2.3.1):
    its hash, so that no other one works.
    """
    digest = hashlib.sha256(style.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def drawing(call: Call, ladder: Ladder) -> tuple[Markup, int, int]:
    """Names and rows as one drawing, every sending shown; its width and its height.

    The style sheet ``ladder.css`` gives it its colours.

    :param ladder: the call's, or the beginning of it.
    """
    lines = media_lines(call.quality, call_start(call))
    media = media_band(ladder.media, lines) if ladder.media else None
    pen = LadderPen(ladder, media=media)
    rows = ladder.drawn
    height = HEADS_HEIGHT + pen.height(rows)
    drawn = Markup(
        '<svg class="sv-ladderfile" width="{}" height="{}" viewBox="0 0 {} {}"'
        ' role="img" aria-label="SIP ladder">{}<g transform="translate(0 {})">{}</g>'
        "</svg>"
    ).format(
        *(pen.width, height, pen.width, height, pen.heads(), HEADS_HEIGHT),
        pen.piece(rows),
    )
    return drawn, pen.width, height


def ladder_file(call: Call, ladder: Ladder) -> tuple[str, str]:
    """The SVG document, and the content security policy to send it with.

    It works in ``<img>``, in every program that draws SVG, and as a PNG made by one.
    """
    style = stylesheet("ladder.css")
    drawn, width, height = Markup(), 600, 0
    if ladder.rows:
        drawn, width, height = drawing(call, ladder)
    drawn = _without_links(drawn)
    title = on_one_line(headline(call))
    wide, high = width + 2 * _MARGIN, height + _TITLE + 2 * _MARGIN
    document = Markup(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}"'
        ' viewBox="0 0 {wide} {high}">\n<title>{title}</title>\n'
        "<style>{style}</style>\n"
        '<rect class="sv-paper" width="{wide}" height="{high}"/>\n'
        '<text class="sv-title" x="{margin}" y="{base}">{heading}</text>\n'
        '<g transform="translate({margin} {top})">{drawn}</g>\n</svg>\n'
    ).format(
        wide=wide,
        high=high,
        title=escape(title),
        heading=cut(title, int(width / _TITLE_CHARACTER)),
        style=style,
        drawn=drawn,
        margin=_MARGIN,
        base=_MARGIN + 18,
        top=_MARGIN + _TITLE,
    )
    policy = f"default-src 'none'; style-src {style_source(style)}; sandbox"
    return _NO_XML.sub("\ufffd", document), policy


def _without_links(drawn: Markup) -> Markup:
    """The rows as groups: in a file there is nothing that they could lead to."""
    # No text in the drawing holds a "<" or a quotation mark: they are escaped.
    plain = str(drawn).replace("<a ", "<g ").replace("</a>", "</g>")
    return Markup(_LINK.sub("", plain))  # noqa: S704
