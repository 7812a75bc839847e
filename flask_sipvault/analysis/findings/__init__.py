"""Findings: what went wrong with a call, and where it shows."""
