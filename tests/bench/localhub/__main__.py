"""`make bench-localhub`: how fast localhub is, beside npm's emulate, and whether it loses anything.

`--quick` asks for less of everything (under a minute), `--json` prints the figures alone, `--parts abcde` some parts:
a throughput, b git cycles, c webhooks, d growth, e memory and idle CPU. Ratios only hold within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.localhub import cycles, growth, hooks, report, servers, throughput

SEED = {
    "users": [{"login": "alice", "name": "Alice", "email": "alice@example.org", "token": "ghp_alice"}],
    "repositories": [{"full_name": "alice/sample"}],
}
FULL = {
    "count": 1000, "seconds": 2.0, "tokens": 900, "cycles": 200, "hooks": 10_000, "many": 20_000, "repeats": 25, "idle": 5.0,
}  # fmt: skip
QUICK = {
    "count": 120,
    "seconds": 0.2,
    "tokens": 200,
    "cycles": 20,
    "hooks": 400,
    "many": 500,
    "repeats": 5,
    "idle": 2.0,
}


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(each, 1) for each in os.getloadavg()],
        "command": " ".join(["python -m tests.bench.localhub", *sys.argv[1:]]),
    }


def run(sizes: dict[str, Any], parts: str, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": machine()}
    if "a" in parts or "e" in parts:
        with (
            servers.localhub(folder / "a", SEED) as ours,
            servers.emulate(folder / "emulate", sizes["tokens"]) as theirs,
        ):
            both = [ours, theirs]
            fresh = {server.name: round(server.rss_mb()) for server in both}
            if "a" in parts:
                found["calls"] = uvloop.run(throughput.measure(both, sizes["count"], sizes["seconds"]))
            if "e" in parts:
                found["memory_mb"] = {s.name: {"fresh": fresh[s.name], "end": round(s.rss_mb())} for s in both}
                found["idle_cpu_percent"] = idle(both, sizes["idle"])
    if "b" in parts:
        with servers.localhub(folder / "b", SEED) as server:
            url = server.url.replace("://", "://alice:ghp_alice@") + "/alice/sample.git"
            found["git"] = cycles.run(url, folder / "cycles", sizes["cycles"])
    if "c" in parts:
        found["webhooks"] = hooks.run(folder / "c", sizes["hooks"])
    if "d" in parts:
        found["growth"] = growth.run(folder / "d", sizes["many"], sizes["repeats"])
    return found


def idle(both: list[servers.Server], seconds: float) -> dict[str, float]:
    """CPU of a core that a server uses when nobody asks for anything."""
    time.sleep(1)
    before = [server.cpu_s() for server in both]
    time.sleep(seconds)
    return {s.name: round(100 * (s.cpu_s() - was) / seconds, 1) for s, was in zip(both, before, strict=True)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-localhub", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--parts", default="abcde")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-localhub-") as folder:
        found = run(QUICK if options.quick else FULL, options.parts, Path(folder))
    found["seconds"] = round(time.perf_counter() - began)
    print(json.dumps(found, indent=2) if options.json else report.table(found))
    return report.verdict(found)


if __name__ == "__main__":
    sys.exit(main())
