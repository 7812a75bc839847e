"""Messages in a stream: where one ends and the next begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sip

HEAD = b"MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"


@pytest.mark.parametrize(
    "field", [b"Content-Length: 4", b"l:4", b"L : 4", b"CONTENT-LENGTH:\r\n 4"]
)
def test_a_message_is_its_header_and_as_much_body_as_it_says(field: bytes) -> None:
    one = HEAD + field + b"\r\n\r\nbody"

    assert sip.frame_length(one + one) == len(one)
    assert sip.parse((one + one)[: len(one)]).body == b"body"


@pytest.mark.parametrize(
    "field", [b"", b"Content-Length: \r\n", b"l: -3\r\n", b"l: 1 2\r\n", b"xl: 5\r\n"]
)
def test_without_a_readable_length_there_is_no_body(field: bytes) -> None:
    head = HEAD + field + b"\r\n"

    assert sip.frame_length(head + HEAD) == len(head)


def test_a_length_below_the_empty_line_says_nothing() -> None:
    head = HEAD + b"\r\n"

    assert sip.frame_length(head + b"Content-Length: 5\r\n\r\n") == len(head)


def test_the_first_of_two_lengths_counts_as_it_does_for_the_parser() -> None:
    data = HEAD + b"l: 2\r\nContent-Length: 4\r\n\r\nbody"

    assert sip.frame_length(data) == len(data) - 2
    assert sip.parse(data).body == b"bo"


@pytest.mark.parametrize(
    "data",
    [
        b"BYE",
        b"!interesting-Method0123456789_*+`.%indeed'~ sip",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 x\r\n",
    ],
)
def test_what_cannot_become_sip_is_refused_as_soon_as_that_is_sure(data: bytes) -> None:
    if b"\n" in data or data[0] < 0x20:
        with pytest.raises(sip.SipError):
            sip.frame_length(data)
    else:
        assert sip.frame_length(data) is None


def test_a_header_without_end_is_refused() -> None:
    endless = HEAD + b"X: y\r\n" * (sip.MAX_HEAD // 6)

    with pytest.raises(sip.SipError):
        sip.frame_length(endless)


def test_a_start_line_without_end_is_refused() -> None:
    with pytest.raises(sip.SipError):
        sip.frame_length(b"INVITE sip:" + b"a" * sip.MAX_HEAD)


@given(
    bodies=st.lists(st.binary(max_size=30), min_size=1, max_size=5),
    end=st.sampled_from([b"\r\n", b"\n"]),
)
def test_a_stream_comes_apart_into_the_messages_it_was_made_of(
    bodies: list[bytes], end: bytes
) -> None:
    messages = [
        end.join([b"MESSAGE sip:a SIP/2.0", b"l: %d" % len(body), b"", body])
        for body in bodies
    ]
    stream = b"".join(messages)

    found = []
    while stream:
        length = sip.frame_length(stream)
        assert length is not None
        found.append(stream[:length])
        stream = stream[length:]

    assert found == messages


@given(st.binary(max_size=40), st.data())
def test_of_a_message_still_coming_in_more_is_asked_for(
    body: bytes, data: st.DataObject
) -> None:
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert sip.frame_length(whole[:cut]) is None


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_bytes_a_length_none_or_sip_error(data: bytes, head: bool) -> None:
    data = HEAD + data if head else data
    try:
        length = sip.frame_length(data)
    except sip.SipError:
        return
    assert length is None or 0 < length <= len(data)
