"""``make bench``: every measurement, one after the other, on one machine and in one run."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = ("hot_verbs", "growth", "receipts", "night", "qr", "callbacks", "choosing", "banks")


def main() -> int:
    """Run each measurement in a process of its own; the exit code says whether all of them ended well."""
    failed = []
    for name in MEASUREMENTS:
        print(f"\n== {name} ==\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nnot measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
