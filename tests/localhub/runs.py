"""Workflow runs, their jobs and logs, as a client reads them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.localhub.repository import SAMPLE

WORKFLOW = """
name: CI
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Look
        run: |
          echo "$GITHUB_EVENT_NAME $GITHUB_REF $GITHUB_HEAD_REF $GITHUB_BASE_REF $GITHUB_SHA $(git rev-parse HEAD)"
          ls
          test ! -e broken
      - run: echo "::notice file=README.md,line=1::read me"
"""


def runs(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{SAMPLE}/actions/runs", params=query).json()["workflow_runs"]
    return found


def jobs(client: httpx.Client, run: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs", params=query).json()["jobs"]
    return found


def log(client: httpx.Client, job: dict[str, Any]) -> str:
    answer = client.get(f"{SAMPLE}/actions/jobs/{job['id']}/logs")
    assert answer.status_code == 302
    # Whoever has the address may read it, as on GitHub: clients drop their token on the way.
    return httpx.get(answer.headers["location"], trust_env=False).text
