"""The findings: what went wrong with the call, and where it shows."""
