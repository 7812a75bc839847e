"""Which messages a reader wants to see, by a few words.

The words of a filter all have to fit. A method's name stands for the requests of that
method and their responses, ``486`` and ``4xx`` for responses, what looks like an
address for either end, anything else for text in the message or in the name of an end.

``static/filter.js`` goes by the same rules where all the messages are on the page
already; a test holds the two together.
"""

from __future__ import annotations

import re

from ....analysis.sip.messages import Message

#: RFC 3261 and its extensions.
METHODS = frozenset(
    (
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    )
)

#: More serves nobody, and every word costs a search through all messages.
MAX_LENGTH = 200

_WORD = re.compile(r'"([^"]*)"?|(\S+)')
_CODE = re.compile(r"[1-6](?:\d\d|xx)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?=.*\d)(?=.*[.:])[\da-f.:\[\]]+", re.IGNORECASE)


class MessageFilter:
    """The words of a filter, understood.

    :param words: as typed; without any every message fits.
    """

    def __init__(self, words: str) -> None:
        self._texts: list[str] = []
        self._methods: list[str] = []
        self._codes: list[str] = []
        self._addresses: list[str] = []
        for quoted, plain in _WORD.findall(words[:MAX_LENGTH]):
            if quoted:
                self._texts.append(quoted.lower())
            elif plain.upper() in METHODS:
                self._methods.append(plain.upper())
            elif _CODE.fullmatch(plain):
                self._codes.append(plain.lower())
            elif _ADDRESS.fullmatch(plain):
                self._addresses.append(plain.lower())
            elif plain:
                self._texts.append(plain.lower())

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self._texts or self._methods or self._codes or self._addresses)

    def fits(self, message: Message, names: str) -> bool:
        """Whether the message is wanted.

        :param names: what its two ends are called.
        """
        if not all(method == message.cseq_method for method in self._methods):
            return False
        code = f"{message.code:03}"
        for wanted in self._codes:
            if not (code == wanted or wanted == f"{code[0]}xx"):
                return False
        ends = f"{message.src} {message.dst}"
        if not all(address in ends for address in self._addresses):
            return False
        if not self._texts:
            return True
        text = f"{names}\n{message.raw.decode('utf-8', 'replace')}".lower()
        return all(each in text for each in self._texts)
