"""Sharing the call."""
