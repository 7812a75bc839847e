"""The call as one JSON document."""

from .document import call_document as call_document
