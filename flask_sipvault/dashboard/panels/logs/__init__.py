"""The log lines."""
