"""The settings of sharing, which is off unless they say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..access.links import check_secret
from ..access.links import SecretError
from ..access.sharing import ShareSettings as ShareSettings
from .converters import SettingsError
from .secret_rule import RECIPE

#: A key that signs for months must not be found by trying, in characters.
MIN_KEY_LENGTH = 32


def read_sharing(
    read: Callable[[str], Any],
) -> ShareSettings:
    """Read and check them.

    :param read: gives a setting by its name, checked, or its default.
    :raises SettingsError: for the first that is wrong, or if one needs another.
    """
    max_days = read("SIPVAULT_SHARE_MAX_DAYS")
    key = read("SIPVAULT_SHARE_KEY")
    if max_days and not key:
        raise SettingsError(
            "SIPVAULT_SHARE_KEY",
            "is missing, though SIPVAULT_SHARE_MAX_DAYS lets calls be shared",
            "Set it to a key of its own, which revokes all shared links when it is"
            f" changed; a new one comes from: {RECIPE}",
        )
    unguarded = read("SIPVAULT_SHARE_UNGUARDED")
    return ShareSettings(max_days, key, unguarded)


def share_key(setting: str, value: object) -> str:
    """A key that may sign shared links.

    :raises SettingsError: if it can be found by trying.
    """
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
