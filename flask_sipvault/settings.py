"""Moved: import from :mod:`flask_sipvault`. This module goes with the next release."""

import warnings

from .config.settings import SettingsError as SettingsError

warnings.warn(
    "flask_sipvault.settings has moved: import SettingsError from flask_sipvault",
    DeprecationWarning,
    stacklevel=2,
)
