"""A restart that keeps the connections: takeover, and what systemd is told."""
