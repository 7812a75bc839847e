"""The other legs of the call."""
