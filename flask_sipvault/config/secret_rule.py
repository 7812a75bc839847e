"""What a secret must be like so that nobody finds it by trying.

The same rule holds for the secrets of links, the key of shared links, the tokens of
agents and the keys of HEP. The link generators in other languages have it too: whoever
changes it here changes ``generators/``, and ``tests/data/secrets.json`` is for all.
"""

from __future__ import annotations

import re
from itertools import pairwise

#: Whoever has one link can try secrets offline, and nobody notices. In characters.
MIN_LENGTH = 16

#: 16 random hexadecimal digits have fewer different ones once in some 30,000 times.
MIN_DIFFERENT = 6

#: What defaults, manuals and people in a hurry make secrets of. The longest come first:
#: of two that begin alike, the longer one is taken out.
_WORDS = (
    *("administrator", "placeholder", "captagent", "freeswitch", "qwertyuiop"),
    *("asterisk", "kamailio", "opensips", "password", "passw"),
    *("collector", "customer", "sippulse", "sipvault", "example", "default"),
    *("testing", "welcome", "heplify", "replace", "letmein", "qwerty", "secret"),
    *("change", "insert", "sample", "server", "shared", "foobar", "zxcvbn", "asdfgh"),
    *("admin", "agent", "enter", "guest", "homer", "nodepw", "pulse", "token"),
    *("vault", "asdf", "auth", "call", "demo", "here", "hmac", "pass", "root"),
    *("test", "this", "user", "voip", "with", "word", "your", "zxcv"),
    *("api", "bar", "foo", "hep", "key", "pwd", "sip", "the", "me", "my"),
)
_KNOWN = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)))

#: Signs that stand for letters in what people take for a good password.
_LOOKALIKES = str.maketrans("013457@$", "oieastas")

#: How a good one is made, for messages.
RECIPE = "python -c 'import secrets; print(secrets.token_hex(32))'"


def weakness(secret: str) -> str:
    """What makes a secret easy to find, as a predicate; empty if nothing does.

    It never holds the secret.
    """
    plain = secret.lower()
    if _is_known(plain) or _is_known(plain.translate(_LOOKALIKES)):
        return "is a placeholder, or is made of words that are tried first"
    # Bytes, which every language counts alike; they are the characters of most secrets.
    raw = secret.encode("utf-8", "surrogatepass")
    if len(raw) < MIN_LENGTH:
        return f"is shorter than {MIN_LENGTH} characters"
    if len(set(raw)) < MIN_DIFFERENT:
        return f"has fewer than {MIN_DIFFERENT} different characters"
    steps = [b - a for a, b in pairwise(raw)]
    if 3 * sum(abs(step) <= 1 for step in steps) > 2 * len(steps):
        return "is mostly a sequence like 1234 or aaaa"
    return ""


def _is_known(text: str) -> bool:
    letters = re.sub("[^a-z]", "", text)
    return letters != "" and _KNOWN.sub("", letters) == ""
