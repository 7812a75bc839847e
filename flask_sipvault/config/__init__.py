"""The settings: read, checked, converted."""
