"""The time axis."""
