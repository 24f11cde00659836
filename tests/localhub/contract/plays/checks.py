"""Statuses, check suites and check runs."""

from __future__ import annotations

from tests.localhub.contract.plays.git import head
from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"


@scenario
def statuses(c: Session) -> None:
    sha = head(c)
    wanted = {"state": "pending", "context": "lint", "description": "d", "target_url": "http://example.org"}
    for state in ("pending", "success"):
        body(c.bot.post(f"{REPO}/statuses/{sha}", json=wanted | {"state": state}), 201)
    body(c.bot.get(f"{REPO}/commits/main/statuses"))
    body(c.bot.get(f"{REPO}/commits/main/status"))
    body(c.bot.get(f"{REPO}/statuses/{sha}"))


@scenario
def check_runs(c: Session) -> None:
    sha = head(c)
    note = {"path": "README.md", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "hm"}
    other = note | {"annotation_level": "failure", "title": "worse", "raw_details": "more"}
    output = {"title": "T", "summary": "S", "text": "X", "annotations": [note, other]}
    body(c.bot.post(f"{REPO}/check-runs", json={"name": "types", "head_sha": sha, "conclusion": "success"}), 201)
    made = body(
        c.bot.post(
            f"{REPO}/check-runs", json={"name": "lint", "head_sha": sha, "status": "in_progress", "output": output}
        ),
        201,
    )
    place = f"{REPO}/check-runs/{made['id']}"
    button = {"label": "Fix", "description": "Fix this", "identifier": "fix"}
    body(c.bot.patch(place, json={"status": "completed", "conclusion": "failure", "actions": [button]}))
    with c.world.client("alice", prefix="") as alice:
        pressed = alice.post(f"/alice/sample/runs/{made['id']}/actions", data={"identifier": "fix"})
        assert pressed.status_code == 303, pressed.text
    body(c.bot.get(place))
    body(c.bot.get(f"{place}/annotations"))
    body(c.bot.get(f"{REPO}/commits/main/check-runs"))
    body(c.bot.post(f"{place}/rerequest"), 201)
    suites = body(c.bot.get(f"{REPO}/commits/main/check-suites"))["check_suites"]
    suite = f"{REPO}/check-suites/{suites[0]['id']}"
    body(c.bot.get(suite))
    body(c.bot.get(f"{suite}/check-runs"))
    body(c.bot.post(f"{suite}/rerequest"), 201)


@scenario
def check_suites(c: Session) -> None:
    made = body(c.bot.post(f"{REPO}/check-suites", json={"head_sha": head(c)}))
    wish = {"auto_trigger_checks": [{"app_id": made["app"]["id"], "setting": True}]}
    body(c.alice.patch(f"{REPO}/check-suites/preferences", json=wish))
