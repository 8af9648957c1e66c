"""``make bench NAME=room/name``: run one benchmark, or all of them in turn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOMS = ("features", "training", "serving")
HELPERS = ("serving/client", "serving/open_loop")
"""Programs that a benchmark runs beside a server."""
BENCHMARKS = tuple(
    name
    for room in ROOMS
    for file in sorted((HERE / room).glob("*.py"))
    if (name := f"{room}/{file.stem}") not in HELPERS and "__main__" in file.read_text()
)


def main() -> int:
    """Run what the command line names; return 0 when every goal was met."""
    wanted = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted:
        module = f"{HERE.name}.{name.replace('/', '.')}"
        failed += subprocess.run([sys.executable, "-m", module], cwd=HERE.parent, check=False).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
