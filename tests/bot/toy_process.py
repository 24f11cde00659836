"""The toy engine as a process of its own, to be killed: `python toy_process.py URL EFFECTS HOPS`."""

from __future__ import annotations

import faulthandler
import importlib.util
import sys
from pathlib import Path
from typing import Any


def _toys() -> Any:
    spec = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toys"] = module
    spec.loader.exec_module(module)
    return module


def main(url: str, effects: str, hops: int) -> None:
    faulthandler.dump_traceback_later(15)  # what every thread does, should it hang
    toys = _toys()
    toy = toys.Toy(url, toys.Ledger(Path(effects)))
    engine = toy.engine()
    print("started", flush=True)
    engine.apply_external(toys.opening(hops))
    toy.settle()
    toy.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
