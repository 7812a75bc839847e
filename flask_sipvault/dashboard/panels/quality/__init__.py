"""The voice quality."""
