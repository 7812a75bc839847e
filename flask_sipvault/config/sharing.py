"""The settings of sharing, which is off unless they say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..access.links import check_secret
from ..access.links import SecretError
from ..access.sharing import ShareSettings as ShareSettings
from . import converters as values
from .converters import SettingsError
from .secret_rule import RECIPE

#: A key that signs for months must not be found by trying, in characters.
MIN_KEY_LENGTH = 32

_MAX_DAYS = 365


def read_sharing(
    read: Callable[[str, Callable[[str, Any], Any], Any], Any],
) -> ShareSettings:
    """Read and check them.

    :param read: gives a setting by its name, its reader and its default.
    :raises SettingsError: for the first that is wrong, or if one needs another.
    """
    max_days = read("SIPVAULT_SHARE_MAX_DAYS", _max_days, 0)
    key = read("SIPVAULT_SHARE_KEY", _key, "")
    if max_days and not key:
        raise SettingsError(
            "SIPVAULT_SHARE_KEY",
            "is missing, though SIPVAULT_SHARE_MAX_DAYS lets calls be shared",
            "Set it to a key of its own, which revokes all shared links when it is"
            f" changed; a new one comes from: {RECIPE}",
        )
    unguarded = read("SIPVAULT_SHARE_UNGUARDED", values.flag, False)
    return ShareSettings(max_days, key, unguarded)


def _max_days(setting: str, value: object) -> int:
    return values.whole_number(setting, value, minimum=0, maximum=_MAX_DAYS)


def _key(setting: str, value: object) -> str:
    remedy = f"A new one comes from: {RECIPE}"
    try:
        key = check_secret(value)
    except SecretError as error:
        raise SettingsError(setting, str(error), remedy) from None
    if len(key) < MIN_KEY_LENGTH:
        raise SettingsError(
            setting, f"is shorter than {MIN_KEY_LENGTH} characters", remedy
        )
    return key
