"""SIP VAULT links for CDR viewers written in Python (3.8 and newer, on its own).

    from generate_link import sipvault_button, sipvault_link

On the command line it prints the link::

    SIPVAULT_HMAC_SECRET=… python3 generate_link.py CALL_ID [CUSTOMER]

Each setting is an argument, or else a variable of the environment, or else what stands
below. Keep this file, if a secret stands in it, where only the viewer can read it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import sys
import time
from html import escape
from urllib.parse import quote

SIPVAULT_BASE_URL = os.environ.get("SIPVAULT_BASE_URL") or ""
SIPVAULT_CUSTOMER_ID = os.environ.get("SIPVAULT_CUSTOMER_ID") or "sippulse"
SIPVAULT_HMAC_SECRET = os.environ.get("SIPVAULT_HMAC_SECRET") or ""

# "true" takes a secret that can be found by trying, where the server takes it, too.
SIPVAULT_WEAK_SECRETS = os.environ.get("SIPVAULT_WEAK_SECRETS") or ""

_YES = ("true", "1", "yes", "on")

_KNOWN_WORDS = re.compile(
    "administrator|placeholder|freeswitch|qwertyuiop|captagent|collector|"
    "asterisk|kamailio|opensips|password|customer|sippulse|sipvault|example|"
    "default|testing|welcome|heplify|replace|letmein|qwerty|secret|change|"
    "insert|sample|server|shared|foobar|zxcvbn|asdfgh|nodepw|passw|admin|agent|"
    "enter|guest|homer|pulse|token|vault|asdf|auth|call|demo|here|hmac|pass|"
    "root|test|this|user|voip|with|word|your|zxcv|api|bar|foo|hep|key|pwd|sip|"
    "the|me|my"
)


def _is_known(text: str) -> bool:
    letters = re.sub("[^a-z]", "", text)
    return letters != "" and _KNOWN_WORDS.sub("", letters) == ""


def _weakness(secret: str) -> str:
    """What makes a secret easy to find by trying; "" if nothing does. The server has
    the same rule.
    """
    plain = secret.lower()
    if _is_known(plain) or _is_known(
        plain.translate(str.maketrans("013457@$", "oieastas"))
    ):
        return "is a placeholder, or is made of words that are tried first"
    raw = secret.encode("utf-8", "surrogatepass")
    if len(raw) < 16:
        return "is shorter than 16 characters"
    if len(set(raw)) < 6:
        return "has fewer than 6 different characters"
    near = sum(abs(raw[i] - raw[i - 1]) <= 1 for i in range(1, len(raw)))
    if 3 * near > 2 * (len(raw) - 1):
        return "is mostly a sequence like 1234 or aaaa"
    return ""


def _check(secret: str, base_url: str) -> None:
    """The message never holds the secret."""
    if not secret:
        raise ValueError(
            "SIPVAULT_HMAC_SECRET is not set: give it the secret of the server."
        )
    if secret != secret.strip():
        raise ValueError(
            "SIPVAULT_HMAC_SECRET has white space or a line end around it."
        )
    weakness = "" if SIPVAULT_WEAK_SECRETS.lower() in _YES else _weakness(secret)
    if weakness:
        raise ValueError(
            f"SIPVAULT_HMAC_SECRET {weakness}: give it the secret of the server."
        )
    if not re.match(r"https?://[^\s/]", base_url):
        raise ValueError(
            "SIPVAULT_BASE_URL is not set to the address of the dashboard, such as"
            " https://cdr.example.com"
        )


def sipvault_link(
    call_id: str,
    call_date: str | None = None,
    customer_id: str | None = None,
    secret: str | None = None,
    base_url: str | None = None,
) -> str:
    """A signed link to the dashboard's page of a call, for this hour and the next.

    :param call_id: the whole Call-ID header value.
    :param call_date: not used: the dashboard finds the day itself.
    :param customer_id: whose call it is.
    :raises ValueError: if a setting is missing or wrong, or there is no Call-ID.
    """
    secret = SIPVAULT_HMAC_SECRET if secret is None else secret
    base_url = SIPVAULT_BASE_URL if base_url is None else base_url
    customer_id = SIPVAULT_CUSTOMER_ID if customer_id is None else customer_id
    _check(secret, base_url)
    if not call_id:
        raise ValueError("The Call-ID is empty: there is no call to link to.")
    ts = int(time.time()) // 3600
    call_hash = hashlib.sha256(call_id.encode()).hexdigest()[:16]
    message = f"{call_id}:{ts}".encode()
    sig = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]
    return (
        f"{base_url.rstrip('/')}/call/{call_hash}"
        f"?cid={quote(customer_id)}&callid={quote(call_id)}&ts={ts}&sig={sig}"
    )


def sipvault_button(
    call_id: str | None,
    call_date: str | None = None,
    customer_id: str | None = None,
    secret: str | None = None,
    base_url: str | None = None,
) -> str:
    """The button for a row of a CDR table, as HTML; "" for a row without a Call-ID.

    :raises ValueError: if a setting is missing or wrong.
    """
    if not call_id:
        return ""
    url = escape(sipvault_link(call_id, call_date, customer_id, secret, base_url))
    return (
        f'<a href="{url}" target="_blank" rel="noopener" class="btn btn-sm btn-info"'
        ' title="Open this call in SIP VAULT"><i class="fa fa-search"'
        ' aria-hidden="true"></i> SIP VAULT</a>'
    )


def main() -> None:
    """Print the link to a call."""
    if len(sys.argv) < 2:
        sys.exit("Usage: python3 generate_link.py CALL_ID [CUSTOMER]")
    customer_id = sys.argv[2] if len(sys.argv) > 2 else None
    try:
        print(sipvault_link(sys.argv[1], customer_id=customer_id))  # noqa: T201
    except ValueError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
