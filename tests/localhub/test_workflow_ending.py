"""Ending jobs that run."""

from __future__ import annotations

import subprocess
import sys

from localhub.actions.ending import listens


def test_a_job_that_has_only_begun_is_asked_to_end_when_it_can_hear_it() -> None:
    """A signal without a handler is lost on the first process of a sandbox: the job would go on for minutes."""
    deaf = subprocess.Popen(["sleep", "60"])
    command = [sys.executable, "-uc", "import time; print('ready'); time.sleep(60)"]  # Python has a handler for SIGINT
    hearing = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert hearing.stdout is not None
        hearing.stdout.readline()
        assert (listens(deaf.pid), listens(hearing.pid)) == (False, True)
    finally:
        for each in (deaf, hearing):
            each.kill()
            each.communicate()
    assert listens(deaf.pid)  # there is nothing to wait for
