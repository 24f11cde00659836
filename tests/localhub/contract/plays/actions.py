"""Workflow files: runs, jobs, logs, another try, cancellation, start by hand."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from nacl.public import PublicKey, SealedBox

from tests.localhub.contract.session import NEW, VERSION, Session, body, scenario

REPO = "/repos/alice/sample"
WORKFLOW = """
name: CI
on: {push: {branches: [main]}, workflow_dispatch: {}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo kept > kept.txt
      - {uses: actions/upload-artifact@v4, with: {name: kept, path: kept.txt}}
      - run: echo "::error file=README.md,line=1::no"; exit 1
"""


def write(client: httpx.Client, name: str, text: str) -> None:
    """By a person, since the App may not touch workflow files."""
    wanted = {"message": "CI", "branch": "main", "content": base64.b64encode(text.encode()).decode()}
    body(client.put(f"{REPO}/contents/.github/workflows/{name}", json=wanted), 201)


def run(c: Session) -> dict[str, Any]:
    """The latest run, when nothing is under way."""
    c.settle()
    newest: dict[str, Any] = body(c.bot.get(f"{REPO}/actions/runs"))["workflow_runs"][0]
    return newest


@scenario
def workflow_runs(c: Session) -> None:
    with c.world.client("alice") as alice:
        write(alice, "ci.yml", WORKFLOW)
    first = run(c)
    place = f"{REPO}/actions/runs/{first['id']}"
    body(c.bot.get(place))
    (job,) = body(c.bot.get(f"{place}/jobs"))["jobs"]
    body(c.bot.get(f"{place}/attempts/1/jobs"))
    (kept,) = body(c.bot.get(f"{place}/artifacts"))["artifacts"]
    body(c.bot.get(f"{REPO}/actions/artifacts"))
    body(c.bot.get(f"{REPO}/actions/artifacts/{kept['id']}"))
    assert c.bot.get(f"{REPO}/actions/artifacts/{kept['id']}/zip").status_code == 302
    assert c.bot.delete(f"{REPO}/actions/artifacts/{kept['id']}").status_code == 204
    body(c.bot.get(f"{place}/attempts/1"))
    body(c.bot.get(f"{place}/timing"))
    body(c.bot.get(f"{REPO}/actions/workflows/ci.yml/timing"))
    assert c.bot.get(f"{place}/attempts/1/logs").status_code == 302
    assert c.bot.get(f"{place}/logs").status_code == 302
    body(c.bot.get(f"{REPO}/actions/jobs/{job['id']}"))
    assert c.bot.get(f"{REPO}/actions/jobs/{job['id']}/logs").status_code == 302
    body(c.bot.get(f"{REPO}/actions/workflows"))
    body(c.bot.get(f"{REPO}/actions/workflows/ci.yml"))
    body(c.bot.get(f"{REPO}/actions/workflows/ci.yml/runs"))
    for switch in ("disable", "enable"):
        assert c.bot.put(f"{REPO}/actions/workflows/ci.yml/{switch}").status_code == 204
    body(c.bot.post(f"{place}/rerun-failed-jobs", json={}), 201)
    assert run(c)["run_attempt"] == 2
    body(c.bot.post(f"{place}/rerun", json={}), 201)
    body(c.bot.get(f"{REPO}/commits/main/check-runs"))
    assert run(c)["run_attempt"] == 3
    (job,) = body(c.bot.get(f"{place}/jobs"))["jobs"]
    body(c.bot.post(f"{REPO}/actions/jobs/{job['id']}/rerun", json={}), 201)
    assert run(c)["run_attempt"] == 4
    assert c.bot.delete(f"{place}/logs").status_code == 204
    assert c.bot.delete(place).status_code == 204
    told = {"event_type": "deploy", "client_payload": {"where": "here"}}
    assert c.bot.post(f"{REPO}/dispatches", json=told).status_code == 204


@scenario
def workflow_runs_by_hand(c: Session) -> None:
    with c.world.client("alice") as alice:
        write(alice, "by-hand.yml", WORKFLOW.replace("exit 1", "sleep 60").replace("push: {branches: [main]}, ", ""))
    c.settle()
    start = f"{REPO}/actions/workflows/by-hand.yml/dispatches"
    told = body(c.bot.post(start, json={"ref": "main"}, headers={VERSION: NEW}), 200)
    body(c.bot.post(f"{REPO}/actions/runs/{told['workflow_run_id']}/cancel"), 202)
    assert c.bot.post(start, json={"ref": "main"}).status_code == 204
    newest = body(c.bot.get(f"{REPO}/actions/runs"))["workflow_runs"][0]
    body(c.bot.post(f"{REPO}/actions/runs/{newest['id']}/force-cancel"), 202)
    assert run(c)["conclusion"] == "cancelled"
    body(c.bot.get(f"{REPO}/actions/workflows/by-hand.yml/runs"))
    assert c.bot.post(start, json={"ref": "gone"}).status_code == 422


@scenario
def variables_and_secrets(c: Session) -> None:
    place = f"{REPO}/actions/variables"
    body(c.alice.post(place, json={"name": "PLACE", "value": "here"}), 201)
    body(c.alice.post(place, json={"name": "TIME", "value": "now"}), 201)
    body(c.alice.get(place))
    body(c.alice.get(f"{place}/PLACE"))
    assert c.alice.patch(f"{place}/PLACE", json={"value": "there"}).status_code == 204
    assert c.alice.delete(f"{place}/PLACE").status_code == 204
    place = f"{REPO}/actions/secrets"
    key = body(c.alice.get(f"{place}/public-key"))
    sealed = base64.b64encode(SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(b"hush")).decode()
    for status in (201, 204):
        wanted = {"encrypted_value": sealed, "key_id": key["key_id"]}
        assert c.alice.put(f"{place}/WORD", json=wanted).status_code == status
    body(c.alice.get(place))
    body(c.alice.get(f"{place}/WORD"))
    assert c.alice.delete(f"{place}/WORD").status_code == 204
