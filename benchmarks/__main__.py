"""``python -m benchmarks``: run every ``bench_*.py`` beside this file.

Each has a ``main()`` that prints its rows: name, ours, yardstick, ratio.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path


def main() -> None:
    """Run them one after the other, so that they do not slow each other down."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        print(f"\n== {path.stem.removeprefix('bench_')}", flush=True)
        module.main()


if __name__ == "__main__":
    main()
