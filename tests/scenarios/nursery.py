"""Bots by fork: everything imported once, so that a test which kills a bot fifty times is not fifty imports.

`python -m tests.scenarios.nursery PIPE`: each line in the named pipe is `{"log": …, "env": …}`. A fresh process, the
leader of its own group, runs `branchwork serve` with exactly this environment; `born PID` is said for each.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any

import uvicorn  # noqa: F401 - `serve` imports it late

import bot.app
import bot.config
import bot.crash


def main() -> None:
    pipe = os.fdopen(os.open(sys.argv[1], os.O_RDWR), encoding="utf-8")  # open for both, so that it never ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    print("nursery listening on http://nowhere", flush=True)
    for line in pipe:
        child = os.fork()
        if child == 0:
            be_born(json.loads(line))
        print(f"born {child}", flush=True)


def be_born(wanted: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(wanted["env"])
    importlib.reload(bot.crash)
    bot.app.serve(bot.config.load())
    os._exit(0)


if __name__ == "__main__":
    main()
