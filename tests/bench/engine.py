"""How fast the loop is: `make bench-engine`. Prints one JSON object; `--url` measures another database.

latency: from `apply_external` to the step, one event at a time, in an idle engine. hop: a ball that is passed on, every
other time through an action. orders: how many actions a second (two turns each) when 300 are asked for at once.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import structlog


def toys() -> Any:
    """The toy world of the engine's tests."""
    path = Path(__file__).parent.parent / "bot" / "conftest.py"
    spec = importlib.util.spec_from_file_location("toys", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["toys"] = module
    spec.loader.exec_module(module)
    return module


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Watch:
    """The toy step, which tells when it ran."""

    def __init__(self, step: Any) -> None:
        self.ran = threading.Event()
        self.at = 0.0
        self._step = step

    def __call__(self, kind: Any, state: Any, events: Any, now: float) -> Any:
        self.at = time.perf_counter()
        self.ran.set()
        return self._step(kind, state, events, now)


def measure(toy: Any, module: Any) -> dict[str, float]:
    watch = Watch(module.toy_step)
    engine = toy.engine(options=module.Options(), step=watch)
    found: list[float] = []
    for number in range(100):
        watch.ran.clear()
        began = time.perf_counter()
        engine.apply_external([(module.task(f"lone-{number % 10}"), f"note-{number}", module.Note(text="x"))])
        watch.ran.wait(10)
        found.append((watch.at - began) * 1000)
    hops = 200
    began = time.perf_counter()
    engine.apply_external([(module.task("n0"), "serve", module.Ball(hops=hops, nodes=5))])
    toy.settle()
    hop = (time.perf_counter() - began) / hops
    orders = 300
    began, before = time.perf_counter(), cpu_s()
    engine.apply_external(
        [(module.task(f"t{number}"), f"order-{number}", module.Order(name="x")) for number in range(orders)]
    )
    while not toy.idle():
        time.sleep(0.1)
    wall, cpu = time.perf_counter() - began, cpu_s() - before
    time.sleep(2)
    before = cpu_s()
    time.sleep(8)
    return {
        "latency_ms_p50": round(statistics.median(found), 2),
        "latency_ms_p95": round(sorted(found)[94], 2),
        "hop_ms": round(hop * 1000, 2),
        "orders_per_s": round(orders / wall, 1),
        "turns_per_s": round(2 * orders / wall, 1),
        "cpu_ms_per_order": round(cpu / orders * 1000, 2),
        "idle_cpu_percent": round((cpu_s() - before) / 8 * 100, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="database URL; default: SQLite in a temporary folder")
    url = parser.parse_args().url
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    module = toys()
    with tempfile.TemporaryDirectory() as folder:
        toy = module.Toy(url or f"sqlite:///{folder}/bench.db", module.Ledger(Path(folder) / "effects"))
        found = measure(toy, module)
        toy.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
