"""Known weaknesses of what the package needs at run time, by pip-audit.

Exit 1 for a weakness. Where the data cannot be reached, this says so and exits 0: a
mirror of PyPI often has the files alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import requires

EXTRAS = ("collector", "redis")


def needed(package: str, extras: tuple[str, ...]) -> set[str]:
    """The names of all that an installation brings, itself left out."""
    found: set[str] = set()
    waiting = [(package, extras)]
    while waiting:
        name, wanted = waiting.pop()
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for line in lines:
            requirement, _, marker = line.partition(";")
            extra = re.search(r"extra == ['\"]([^'\"]+)", marker)
            if extra and extra[1] not in wanted:
                continue
            other = re.match(r"[\w.-]+", requirement)
            if other and (key := _normalised(other[0])) not in found:
                found.add(key)
                waiting.append((other[0], ()))
    return found


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable"]
    command += ["--format", "json", "--progress-spinner", "off"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        listed = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (run.stderr.strip() or "no output").splitlines()[-1]
        print(f"pip-audit could not be run, nothing was audited: {last}")
        return 0
    ours = needed("flask_sipvault", EXTRAS)
    known = [each for each in listed if _normalised(each["name"]) in ours]
    audited = [each for each in known if "skip_reason" not in each]
    if not audited:
        print("pip-audit cannot reach its data here: nothing was audited")
        return 0
    weak = [each for each in audited if each["vulns"]]
    for each in weak:
        ids = ", ".join(weakness["id"] for weakness in each["vulns"])
        print(f"{each['name']} {each['version']}: {ids}")
    print(f"pip-audit: {len(weak)} of {len(audited)} packages have known weaknesses")
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
