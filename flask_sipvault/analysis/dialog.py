"""Moved: import from :mod:`flask_sipvault`. This module goes with the next release."""

import warnings

from .explain import explain as explain

warnings.warn(
    "flask_sipvault.analysis.dialog has moved: import explain from flask_sipvault",
    DeprecationWarning,
    stacklevel=2,
)
