"""Texts that bring a reader to its knees which looks at them more than once.

Each family gives a text of about as many characters as it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

Family = Callable[[int], str]

#: One of each class that a grammar or an expression tells from the others.
_CHARACTERS = (
    "aZf09.-_:;,@<>\"'\\()[]{}/=+%&?!*#~|$^` \t\n\r\0\x1b\x85\u00e9\u202e\uffff"
)

#: Repeated whole: beginnings of what is looked for, or all but its end.
_PIECES = (
    *("q.", "a-", "a:", "a@", "a;", "a,", "a=", "a ", "a/", "a\t", "a\n", "a\r\n"),
    *("1.", "1-", "1:", "f:", "f::", "<>", "><", "()", '""', '"a', 'a"', '\\"', '"\\'),
    *("..", ".-", "-.", "--", " ;", " ,", "; ", ", ", " =", "= ", "\n ", "\r\n\t"),
    *("%41", "%", "+1 ", "0x", "[::", "]:", "<sip:", "<a>,", '"a",', '"\\",', "a>;"),
    *("sip:a@b.c ", "sip:a@b.c;", "tel:1;", "a@b.c ", "user=", "nonce=", "nonce: "),
    *(";tag=", "; tag =", ";cause=", ';text="', ";remote=", "x=y;", 'x="y",', "?a=b&"),
    *("1.2.3.4-", "1.2.3.4 ", "aa-bb-cc-dd-ee-ff.", "1234567.", "12345678901 "),
    *("SIP/2.0 ", " SIP/2.0", "SIP/2.0/UDP a,", "SIP / 2.0 / UDP a;b,", "INVITE "),
    *(
        "\r\nVia: ",
        "\nCall-ID: ",
        "\nCSeq: ",
        "\nf: ",
        "\nTo: ",
        "\nl: ",
        "\nA a SIP/2.0",
    ),
    *("\nc=", "\nm=", "\na=", "\no=", "\nm=audio 1 RTP/AVP 0", "\na=rtpmap:96 a/8000"),
    *("\nv=0", "\na=candidate:", "\na=crypto:1 a inline:", "\na=fmtp:96 a", "\n--b"),
    *("INFO", "[ERR", "DBG:", "<13>", "2026-11-23", "Nov 23 13:16:46 ", "12:00:00"),
    *(
        '{"a":',
        "[[",
        "{}",
        '{"a":1}',
        "\\u0041",
        "bearer ",
        "basic ",
        "a.com",
        "a.cfg ",
    ),
)


def _repeated(piece: str) -> Family:
    return lambda n: piece * (n // len(piece) + 1)


def _different(form: str) -> Family:
    """Pieces of which none is like another."""

    def make(n: int) -> str:
        size = len(form.format(10_000))
        return "".join(map(form.format, range(10_000, 10_000 + n // size + 1)))

    return make


def _growing(end: str) -> Family:
    """``a``, ``aa``, ``aaa``: each begins with all that came before."""

    def make(n: int) -> str:
        pieces = []
        while n > 0:
            pieces.append("a" * (len(pieces) % 300 + 1) + end)
            n -= len(pieces[-1])
        return "".join(pieces)

    return make


def _nested(opening: str, closing: str) -> Family:
    def make(n: int) -> str:
        depth = n // (len(opening) + len(closing)) + 1
        return opening * depth + closing * depth

    return make


def _framed(before: str, piece: str, after: str) -> Family:
    return lambda n: before + piece * (n // len(piece) + 1) + after


FAMILIES: dict[str, Family] = {
    **{f"{c!r} again and again": _repeated(c) for c in _CHARACTERS},
    **{f"{piece!r} again and again": _repeated(piece) for piece in _PIECES},
    **{
        f"{form!r} of different numbers": _different(form)
        for form in (
            *(
                "{};",
                "{},",
                "{}\n",
                "{} ",
                "a{}=b;",
                "n{}@h{}.com ".replace("{}", "{0}"),
            ),
            *("\nX-{}: v", "\na=ssrc:{} cname:a", "\nm=audio {} RTP/AVP 0", "a.b{}."),
            *("common-beginning-of-names-{}\n", "sip:common-{}@example.com, "),
        )
    },
    **{f"longer and longer, {end!r} between": _growing(end) for end in ";, \n@."},
    "nested <>": _nested("<", ">"),
    "nested ()": _nested("(", ")"),
    "nested []": _nested("[", "]"),
    "nested {}": _nested('{"a":', "}"),
    "nested quotes": _nested('\\"', '"'),
    "an open quote": _framed('"', "a ", ""),
    "an open bracket": _framed("<", "a;", ""),
    "an open comment": _framed("(", "a(", ""),
    "a long label": _framed("", "a", ".com"),
    "a long chain of labels": _framed("", "q.", "!"),
    "a long number": _framed("+", "1", "x"),
    "a long address": _framed("[", "f:", "g]"),
    "much white space": _framed("a", " ", "b"),
    "a long token and much white space": _framed("a", "a", " " * 50 + "SIP/2.0 "),
}

#: For what is slow enough to let a few of them show that it is linear.
FEW: dict[str, Family] = {
    f"{piece!r} again and again": _repeated(piece)
    for piece in (
        *(
            "a",
            " ",
            "\n",
            "\r\n",
            "a ",
            "q.",
            ";",
            "<",
            '"',
            "a@",
            "{",
            "\u202e",
            "\x81",
        ),
        *("\nA a SIP/2.0", "INVITE ", "SIP/2.0 200 ", "\r\nVia: ", "\r\n\r\n", "HEP3"),
        *("INVITE sip:b SIP/2.0\r\nl: 9999999\r\n", "INVITE sip:b SIP/2.0\r\n\r\n"),
    )
} | {
    "of different numbers": _different("a{};"),
    "different header fields": _different("\r\nX-{}: v"),
    "names with a common beginning": _different("common-beginning-of-names-{}\n"),
    "longer and longer": _growing(";"),
    "an open quote": _framed('"', "a ", ""),
}
