"""Check runs of apps, and commit statuses."""

from __future__ import annotations

from typing import Any

import pytest

from localhub import checks

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


def head(client: Any) -> str:
    sha: str = client.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
    return sha


def test_checks_keep_github_s_limits(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        body = {"name": "lint", "head_sha": head(alice)}
        action = {"label": "Fix", "description": "Fix this", "identifier": "fix"}
        for wrong in (
            {"name": ""},
            {"head_sha": "0" * 40},
            {"status": "done"},
            {"conclusion": "fine"},
            {"conclusion": "stale"},
            {"status": "completed"},
            {"actions": [action] * 4},
            {"actions": [action | {"label": "x" * 21}]},
            {"actions": [action | {"description": "x" * 41}]},
            {"actions": [{"label": "x"}]},
            {"output": {"title": "T"}},
            {"output": {"summary": "S"}},
            {"output": {"title": "T", "summary": "x" * 65_536}},
            {"output": {"title": "T", "summary": "S", "text": "x" * 65_536}},
            {"output": {"title": "T", "summary": "S", "images": [{"alt": "x"}]}},
            {"output": {"title": "T", "summary": "S", "annotations": [{"path": "a"}]}},
        ):
            answer = bot.post(f"{SAMPLE}/check-runs", json=body | wrong)
            assert answer.status_code == 422, (wrong, answer.text)
        images = [{"alt": "a", "image_url": "http://example.org/a.png"}]
        most = {"title": "T", "summary": "x" * 65_535, "images": images}
        assert (
            bot.post(f"{SAMPLE}/check-runs", json=body | {"output": most, "actions": [action] * 3}).status_code == 201
        )
        assert bot.get(f"{SAMPLE}/commits/main/check-runs").json()["total_count"] == 1
        hub.settle()


def test_a_thousand_runs_of_a_name_are_kept(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        repo = hub.hub.access.repo_by_id(alice.get(SAMPLE).json()["id"])
        first = bot.post(f"{SAMPLE}/check-runs", json={"name": "a", "head_sha": head(alice)}).json()
        suite = hub.hub.db.get("check_suites", first["check_suite"]["id"])
        facts = {
            "suite_id": suite["id"],
            "repo_id": repo["id"],
            "app_id": suite["app_id"],
            "head_sha": suite["head_sha"],
        }
        with hub.hub.tx():
            for name in ("a", "b"):
                for _ in range(999):
                    hub.hub.db.insert("check_runs", name=name, **facts)
        bot.post(f"{SAMPLE}/check-runs", json={"name": "a", "head_sha": head(alice)})
        assert bot.get(f"{SAMPLE}/check-runs/{first['id']}").status_code == 404
        kept = bot.get(f"{SAMPLE}/commits/main/check-runs", params={"filter": "all", "check_name": "a"}).json()
        assert kept["total_count"] == 1000
        hub.settle()


def test_who_is_asked_again_and_whose_button_is_pressed(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        body = {"name": "lint", "head_sha": head(alice), "conclusion": "success"}
        action = {"label": "Fix", "description": "Fix this", "identifier": "fix"}
        run = bot.post(f"{SAMPLE}/check-runs", json=body | {"actions": [action]}).json()
        suite = f"{SAMPLE}/check-suites/{run['check_suite']['id']}"
        assert bot.get(suite).json()["conclusion"] == "success"
        assert bot.post(f"{SAMPLE}/check-runs/{run['id']}/rerequest").status_code == 201
        told = validate_hook(hub.hooks.delivery("check_run", "rerequested"))["check_run"]
        assert (told["id"], told["status"]) == (run["id"], "completed")
        assert (bot.get(suite).json()["status"], bot.get(suite).json()["conclusion"]) == ("queued", None)
        again = bot.post(f"{SAMPLE}/check-runs", json=body | {"conclusion": "neutral"}).json()
        assert bot.get(suite).json()["conclusion"] == "neutral"
        assert alice.post(f"{suite}/rerequest").status_code == 201
        validate_hook(hub.hooks.delivery("check_suite", "rerequested"))
        assert bot.get(suite).json()["status"] == "queued"
        with hub.client("alice", prefix="") as page, hub.client("carol", prefix="") as carol:
            assert "Fix this" in page.get(f"/alice/sample/runs/{run['id']}").text
            where = f"/alice/sample/runs/{run['id']}/actions"
            assert carol.post(where, data={"identifier": "fix"}).status_code == 403
            assert page.post(where, data={"identifier": "other"}).status_code == 404
            assert page.post(where, data={"identifier": "fix"}).status_code == 303
        pressed = validate_hook(hub.hooks.delivery("check_run", "requested_action"))
        assert (pressed["requested_action"], pressed["sender"]["login"]) == ({"identifier": "fix"}, "alice")
        assert again["id"] != run["id"]
        hub.settle()


def alice_id(client: Any) -> int:
    return int(client.get("/user").json()["id"])


def test_suites_of_pushes_and_preferences(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        body = {"message": "m", "content": "eA=="}
        sha = alice.put(f"{SAMPLE}/contents/a", json=body).json()["commit"]["sha"]
        told = validate_hook(hub.hooks.delivery("check_suite", "requested"))["check_suite"]
        assert (told["head_sha"], told["head_branch"], told["conclusion"]) == (sha, "main", None)
        assert bot.post(f"{SAMPLE}/check-suites", json={"head_sha": sha}).status_code == 200
        wish = {"auto_trigger_checks": [{"app_id": told["app"]["id"], "setting": False}]}
        assert bot.patch(f"{SAMPLE}/check-suites/preferences", json=wish).status_code in (200, 403)
        answer = alice.patch(f"{SAMPLE}/check-suites/preferences", json=wish)
        chosen = validate(answer, "CheckSuitePreference")["preferences"]["auto_trigger_checks"]
        assert chosen == [{"app_id": told["app"]["id"], "setting": False}]
        hub.hooks.clear()
        sha = alice.put(f"{SAMPLE}/contents/b", json=body).json()["commit"]["sha"]
        hub.settle()
        assert hub.hooks.find("check_suite", "requested") == []
        validate(bot.post(f"{SAMPLE}/check-suites", json={"head_sha": sha}), "CheckSuite", 201)
        assert bot.post(f"{SAMPLE}/check-suites", json={"head_sha": "0" * 40}).status_code == 422
        hub.settle()


@pytest.mark.parametrize(
    ("conclusions", "expected"),
    [
        (["success", "neutral", "timed_out"], "timed_out"),
        (["success", "neutral"], "success"),
        (["success", "skipped"], "success"),
        (["skipped", "skipped"], "skipped"),
        (["neutral", "skipped"], "neutral"),
        (["cancelled", "failure"], "failure"),
        (["action_required", "success"], "action_required"),
    ],
)
def test_a_suite_concludes_with_its_worst_run(conclusions: list[str], expected: str) -> None:
    assert checks.conclude(conclusions) == expected


def test_required_checks_of_an_app_hold_a_merge(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = head(alice)
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        body = {"message": "m", "content": "eA==", "branch": "topic"}
        sha = alice.put(f"{SAMPLE}/contents/a", json=body).json()["commit"]["sha"]
        wish = {"required_status_checks": {"strict": True, "checks": [{"context": "lint", "app_id": 4242}]}}
        wish |= {"enforce_admins": True, "required_pull_request_reviews": None, "restrictions": None}
        assert alice.put(f"{SAMPLE}/branches/main/protection", json=wish).is_success
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()
        merge = f"{SAMPLE}/pulls/{pull['number']}/merge"
        hub.settle()
        assert alice.post(f"{SAMPLE}/statuses/{sha}", json={"state": "success", "context": "lint"}).status_code == 201
        assert alice.put(merge).status_code == 405, "a status of that name is not the app's check"
        run = {"name": "lint", "head_sha": sha, "conclusion": "failure"}
        bot.post(f"{SAMPLE}/check-runs", json=run)
        assert alice.put(merge).status_code == 405
        bot.post(f"{SAMPLE}/check-runs", json=run | {"conclusion": "success"})
        hub.settle()
        assert alice.put(merge).status_code == 200


def test_statuses_keep_github_s_limits(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        sha = head(alice)
        where = f"{SAMPLE}/statuses/{sha}"
        for wrong in (
            {"state": "done"},
            {"state": "success", "description": "x" * 141},
            {"state": "success", "target_url": "ftp://example.org"},
        ):
            assert bot.post(where, json=wrong).status_code == 422, wrong
        assert bot.post(f"{SAMPLE}/statuses/{'0' * 40}", json={"state": "success"}).status_code == 422
        repo_id, by = alice.get(SAMPLE).json()["id"], alice_id(alice)
        with hub.hub.tx():
            for _ in range(999):
                hub.hub.db.insert(
                    "statuses", repo_id=repo_id, sha=sha, state="pending", context="many",
                    creator_id=by, created_at=hub.hub.now(), updated_at=hub.hub.now(),
                )  # fmt: skip
        assert bot.post(where, json={"state": "success", "context": "MANY"}).status_code == 201
        assert bot.post(where, json={"state": "success", "context": "many"}).status_code == 422
        assert bot.post(where, json={"state": "error", "context": "other"}).status_code == 201
        told = hub.hooks.delivery("status", count=2).payload
        assert (told["state"], told["context"], [one["name"] for one in told["branches"]]) == (
            "error",
            "other",
            ["main"],
        )
        both = bot.get(f"{SAMPLE}/commits/{sha}/status").json()
        assert (both["state"], both["total_count"]) == ("failure", 2)
        hub.settle()
