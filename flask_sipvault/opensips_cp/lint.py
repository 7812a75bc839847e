"""What PHP says of a file's syntax, where PHP is at hand."""

from __future__ import annotations

import shutil
import subprocess

_SECONDS = 20


def problem(source: bytes) -> str | None:
    """PHP's complaint; empty if it has none, None where it cannot be asked."""
    php = shutil.which("php")
    if php is None:
        return None
    try:
        # Versions before 8 need the short tags, and later ones do not mind.
        done = subprocess.run(  # noqa: S603 - it reads the source, and does not run it
            [php, "-d", "short_open_tag=1", "-d", "display_errors=1", "-l"],
            input=source,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return ""
    said = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return said[0] if said else f"php -l ended with status {done.returncode}"
