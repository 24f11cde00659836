"""Check runs of apps, and commit statuses."""

from __future__ import annotations

from typing import Any

SAMPLE = "/repos/alice/sample"


def test_apps_bring_their_own_checks(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        made = bot.post(f"{SAMPLE}/check-runs", json={"name": "lint", "head_sha": sha, "status": "in_progress"})
        run = validate(made, "CheckRun", 201)
        assert alice.post(f"{SAMPLE}/check-runs", json={"name": "x", "head_sha": sha}).status_code == 403
        note = {"path": "a.py", "start_line": 1, "end_line": 2, "annotation_level": "failure", "message": "no"}
        output = {"title": "Lint", "summary": "One.", "annotations": [note]}
        where = f"{SAMPLE}/check-runs/{run['id']}"
        assert bot.patch(where, json={"status": "completed"}).status_code == 422
        too_many = {"output": output | {"annotations": [note] * 51}}
        assert bot.patch(where, json=too_many).status_code == 422
        done = validate(bot.patch(where, json={"conclusion": "failure", "output": output}), "CheckRun")
        assert (done["status"], done["output"]["annotations_count"]) == ("completed", 1)
        validate(bot.get(f"{SAMPLE}/check-suites/{done['check_suite']['id']}"), "CheckSuite")
        assert validate_hook(hub.hooks.delivery("check_run", "completed"))["check_run"]["conclusion"] == "failure"
        assert validate_hook(hub.hooks.delivery("check_suite", "completed"))["check_suite"]["conclusion"] == "failure"
        hub.settle()


def test_statuses(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        assert bot.get(f"{SAMPLE}/commits/main/status").json()["state"] == "pending"
        body = {"state": "failure", "context": "ci/x", "description": "no", "target_url": "http://example.org/"}
        validate(bot.post(f"{SAMPLE}/statuses/{sha}", json=body), "Status", 201)
        validate(hub.hooks.delivery("status").payload, "WebhookStatus")
        assert bot.post(f"{SAMPLE}/statuses/{sha}", json={"state": "odd"}).status_code == 422
        both = validate(bot.get(f"{SAMPLE}/commits/main/status"), "CombinedCommitStatus")
        assert (both["state"], len(both["statuses"])) == ("failure", 1)
        bot.post(f"{SAMPLE}/statuses/{sha}", json=body | {"state": "success"})
        assert bot.get(f"{SAMPLE}/commits/main/status").json()["state"] == "success"
        assert len(validate(bot.get(f"{SAMPLE}/commits/main/statuses"), "list[Status]")) == 2
