"""Moved: import from :mod:`flask_sipvault`. This module goes with the next release."""

import warnings

from .access.links import LinkError as LinkError
from .access.links import LinkSigner as LinkSigner

warnings.warn(
    "flask_sipvault.links has moved: import LinkSigner and LinkError from"
    " flask_sipvault",
    DeprecationWarning,
    stacklevel=2,
)
