"""Workflow runs of a localhub of its own: without isolation, and over a `kill -9`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from localhub.actions.surroundings import scratch_for
from tests.localhub.repository import SAMPLE, put
from tests.localhub.runs import WORKFLOW, jobs, runs


def test_without_isolation_runs_fail_and_say_why(tmp_path: Path) -> None:
    seed, closed = tmp_path / "seed.yml", tmp_path / "closed"
    seed.write_text("users: [{login: alice, token: ghp_alice}]\nrepositories: [{full_name: alice/sample}]\n")
    closed.mkdir(mode=0)
    command = [sys.executable, "-m", "localhub", "--data", str(tmp_path / "data"), "--toolchain", str(closed)]
    server = subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        with _client(server.stdout.readline()) as alice:
            sha = put(alice, ".github/workflows/ci.yml", WORKFLOW)
            _until(lambda: runs(alice) and runs(alice)[0]["conclusion"] == "failure")
            (check,) = alice.get(f"{SAMPLE}/commits/{sha}/check-runs").json()["check_runs"]
            (note,) = alice.get(f"{SAMPLE}/check-runs/{check['id']}/annotations").json()
            assert (check["name"], check["conclusion"]) == ("test", "failure")
            assert "The self-test of the sandbox failed" in note["message"]
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def test_runs_survive_a_killed_server(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yml"
    seed.write_text("users: [{login: alice, token: ghp_alice}]\nrepositories: [{full_name: alice/sample}]\n")
    command = [sys.executable, "-m", "localhub", "--data", str(tmp_path / "data")]
    mark = "sleep 7654"
    flow = f"""
on: push
jobs:
  quick: {{runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}
  slow: {{needs: quick, runs-on: ubuntu-latest, steps: [{{run: 'test -e go || {mark}'}}, {{run: 'true'}}]}}
"""
    first = subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    try:
        with _client(first.stdout.readline()) as alice:
            put(alice, ".github/workflows/slow.yml", flow)
            _until(lambda: runs(alice) and runs(alice)[0]["status"] == "in_progress" and _alive(mark))
            (before, _) = jobs(alice, runs(alice)[0])
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    _until(lambda: not _alive(mark))
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None
    try:
        with _client(second.stdout.readline()) as alice:
            _until(lambda: _alive(mark))
            (run,) = runs(alice)
            assert run["status"] == "in_progress"
            alice.post(f"{SAMPLE}/actions/runs/{run['id']}/cancel")
            _until(lambda: runs(alice)[0]["conclusion"] == "cancelled")
            after, cancelled = jobs(alice, run)
            for fact in ("id", "name", "started_at", "completed_at", "conclusion"):
                assert before[fact] == after[fact], "what had ended is not run again"
            assert cancelled["conclusion"] == "cancelled"
    finally:
        second.terminate()
        second.wait(20)
        second.stdout.close()
    scratch = scratch_for(tmp_path / "data")
    assert not scratch.exists(), "a stopped server leaves nothing"


def _client(line: str) -> httpx.Client:
    headers = {"Authorization": "Bearer ghp_alice"}
    return httpx.Client(base_url=line.split()[-1] + "/api/v3", headers=headers, trust_env=False, timeout=30)


def _alive(command: str) -> bool:
    return subprocess.run(["pgrep", "-fx", command], capture_output=True, check=False).returncode == 0


def _until(condition: Any, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
