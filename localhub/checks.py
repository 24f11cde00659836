"""Check suites and check runs: the one place that writes them and tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localhub.errors import field, invalid, not_found
from localhub.events import Event
from localhub.gitcore import ZERO
from localhub.render import checks as render

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
#: What a suite concludes from its runs: the first of these that one of them has.
_WORST_FIRST = ("failure", "timed_out", "cancelled", "action_required", "stale", "success", "neutral", "skipped")
_ANNOTATIONS = 50
_ACTION_LENGTHS = {"label": 20, "description": 40, "identifier": 20}
#: Of one name in a suite GitHub keeps no more; the oldest go (REST reference, "Check runs").
SAME_NAME = 1000
_TEXT = 65_535


def create_suite(
    hub: Hub,
    repo: Row,
    app_id: int,
    sha: str,
    branch: str | None,
    *,
    before: str | None = None,
    by: int,
    tell_app: bool = False,
) -> Row:
    """A new suite, inside a transaction. `tell_app` sends `requested` to its app, as GitHub does on a push."""
    now = hub.now()
    suite_id = hub.db.insert(
        "check_suites",
        repo_id=repo["id"],
        app_id=app_id,
        head_sha=sha,
        head_branch=branch,
        before=before,
        after=sha,
        created_at=now,
        updated_at=now,
    )
    suite = hub.db.get("check_suites", suite_id)
    if tell_app:

        def payload() -> dict[str, Any]:
            return {"check_suite": render.suite_hook(hub, suite)}

        hub.emit(Event("check_suite", "requested", repo["id"], by, payload, app=app_id, sha=sha))
    return suite


def suite_for(hub: Hub, repo: Row, app_id: int, sha: str, by: int) -> Row:
    """The suite of this app on this commit, made when there is none."""
    found = hub.db.row(
        "SELECT * FROM check_suites WHERE repo_id = ? AND head_sha = ? AND app_id = ? ORDER BY id DESC LIMIT 1",
        repo["id"],
        sha,
        app_id,
    )
    return found or create_suite(hub, repo, app_id, sha, render.branch_of(hub, repo, sha), by=by)


def conclude(conclusions: Sequence[str | None]) -> str:
    """The conclusion of a suite or run whose parts ended with these."""
    return next((one for one in _WORST_FIRST if one in conclusions), "success")


def set_suite(hub: Hub, suite: Row, status: str, conclusion: str | None, by: int) -> None:
    """Move a suite; tells when it completes."""
    if (suite["status"], suite["conclusion"]) == (status, conclusion):
        return
    hub.db.update("check_suites", suite["id"], status=status, conclusion=conclusion, updated_at=hub.now())
    if status == "completed":

        def payload() -> dict[str, Any]:
            return {"check_suite": render.suite_hook(hub, hub.db.get("check_suites", suite["id"]))}

        hub.emit(Event("check_suite", "completed", suite["repo_id"], by, payload, sha=suite["head_sha"]))


def latest_runs(hub: Hub, suite_id: int) -> list[Row]:
    """The newest run of each name in a suite, oldest first."""
    return hub.db.rows(
        """SELECT * FROM check_runs WHERE id IN (SELECT max(id) FROM check_runs WHERE suite_id = ? GROUP BY name)
           ORDER BY id""",
        suite_id,
    )


def _refresh_suite(hub: Hub, suite_id: int, by: int) -> None:
    """Let an app's suite follow its runs; suites of workflows follow their workflow run instead."""
    if hub.db.value("SELECT 1 FROM workflow_runs WHERE suite_id = ?", suite_id):
        return
    runs = latest_runs(hub, suite_id)
    suite = hub.db.get("check_suites", suite_id)
    if all(run["status"] == "completed" for run in runs):
        set_suite(hub, suite, "completed", conclude([run["conclusion"] for run in runs]), by)
    else:
        begun = any(run["status"] != "queued" for run in runs)
        set_suite(hub, suite, "in_progress" if begun else "queued", None, by)


def clean(data: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
    """The columns that a request's body sets, or 422."""
    columns: dict[str, Any] = {}
    for key in ("name", "external_id", "details_url", "started_at", "completed_at"):
        if data.get(key) is not None:
            columns[key] = str(data[key])
    if creating and not columns.get("name"):
        raise invalid('Invalid request.\n\n"name" wasn\'t supplied.')
    status, conclusion = data.get("status"), data.get("conclusion")
    if status is not None and status not in STATUSES:
        raise invalid("Validation Failed", field("CheckRun", "status", "invalid"))
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise invalid("Validation Failed", field("CheckRun", "conclusion", "invalid"))
    if status == "completed" and conclusion is None:
        raise invalid("Validation Failed", field("CheckRun", "conclusion", "missing_field"))
    if conclusion is not None:
        columns |= {"status": "completed", "conclusion": conclusion}
    elif status is not None:
        columns |= {"status": status, "conclusion": None, "completed_at": None}
    if conclusion == "stale":
        raise invalid("Validation Failed", field("CheckRun", "conclusion", "custom", "stale is set by GitHub alone"))
    if data.get("actions") is not None:
        columns["actions"] = json.dumps(_clean_actions(data["actions"]))
    return columns | _clean_output(data.get("output"), creating=creating)


def _clean_actions(actions: Any) -> list[dict[str, str]]:
    """The buttons beside a run: at most three, with GitHub's lengths."""
    if not isinstance(actions, list) or len(actions) > 3:
        raise invalid("Validation Failed", field("CheckRun", "actions", "invalid", "at most 3 actions"))
    for action in actions:
        for name, most in _ACTION_LENGTHS.items():
            text = action.get(name) if isinstance(action, dict) else None
            if not isinstance(text, str) or not 0 < len(text) <= most:
                message = f"{name} is too long or missing (maximum is {most} characters)"
                raise invalid("Validation Failed", field("CheckRun", f"actions.{name}", "custom", message))
    return [{name: action[name] for name in _ACTION_LENGTHS} for action in actions]


def _clean_output(output: Any, *, creating: bool) -> dict[str, Any]:
    if output is None:
        return {}
    needed = ("title", "summary") if creating else ("summary",)
    if not isinstance(output, dict) or any(output.get(name) is None for name in needed):
        raise invalid("Validation Failed", field("CheckRun", "output", "missing_field"))
    for image in output.get("images") or []:
        if not isinstance(image, dict) or not image.get("alt") or not image.get("image_url"):
            raise invalid("Validation Failed", field("CheckRunImage", "image_url", "missing_field"))
    for key in ("summary", "text"):
        if len(str(output.get(key) or "")) > _TEXT:
            message = f"{key} exceeds a maximum length of {_TEXT} characters"
            raise invalid("Validation Failed", field("CheckRun", f"output.{key}", "custom", message))
    notes = output.get("annotations") or []
    if len(notes) > _ANNOTATIONS:
        raise invalid(
            "Validation Failed", field("CheckRun", "annotations", "invalid", f"at most {_ANNOTATIONS} a request")
        )
    for note in notes:
        missing = [k for k in ("path", "start_line", "end_line", "annotation_level", "message") if note.get(k) is None]
        if missing or note["annotation_level"] not in ("notice", "warning", "failure"):
            raise invalid(
                "Validation Failed", field("CheckAnnotation", (missing or ["annotation_level"])[0], "invalid")
            )
    return {key: output[key] for key in ("title", "summary", "text") if key in output} | {"annotations": notes}


def create_run(hub: Hub, repo: Row, suite: Row, columns: Mapping[str, Any], by: int) -> Row:
    """A new run with columns as `clean` gives them, inside a transaction; tells `created`, and `completed` if it is."""
    values = dict(columns)
    notes = values.pop("annotations", [])
    now = hub.now()
    values.setdefault("status", "queued")
    values.setdefault("started_at", now)
    if values["status"] == "completed":
        values.setdefault("completed_at", now)
    values |= {"suite_id": suite["id"], "repo_id": repo["id"], "app_id": suite["app_id"], "head_sha": suite["head_sha"]}
    run_id = hub.db.insert("check_runs", **values)
    annotate(hub, run_id, notes)
    run = hub.db.get("check_runs", run_id)
    hub.db.execute(
        """DELETE FROM check_runs WHERE suite_id = ? AND name = ? AND id NOT IN (SELECT id FROM workflow_jobs) AND id <=
           (SELECT id FROM check_runs WHERE suite_id = ? AND name = ? ORDER BY id DESC LIMIT 1 OFFSET ?)""",
        *(suite["id"], run["name"], suite["id"], run["name"], SAME_NAME),
    )

    def payload() -> dict[str, Any]:
        return {"check_run": render.run_hook(hub, run)}

    hub.emit(Event("check_run", "created", repo["id"], by, payload, sha=run["head_sha"]))
    if run["status"] == "completed":
        hub.emit(Event("check_run", "completed", repo["id"], by, payload, sha=run["head_sha"]))
    _refresh_suite(hub, suite["id"], by)
    return run


def update_run(hub: Hub, run: Row, columns: Mapping[str, Any], by: int) -> Row:
    """Change a run, inside a transaction; tells when it becomes completed."""
    values = dict(columns)
    annotate(hub, run["id"], values.pop("annotations", []))
    if values.get("status") == "completed":
        values.setdefault("completed_at", hub.now())
    hub.db.update("check_runs", run["id"], **values)
    changed = hub.db.get("check_runs", run["id"])
    ended = changed["status"] == "completed" and (
        run["status"] != "completed" or run["conclusion"] != changed["conclusion"]
    )
    if ended:

        def payload() -> dict[str, Any]:
            return {"check_run": render.run_hook(hub, changed)}

        hub.emit(Event("check_run", "completed", run["repo_id"], by, payload, sha=run["head_sha"]))
    _refresh_suite(hub, run["suite_id"], by)
    return changed


def annotate(hub: Hub, run_id: int, notes: Sequence[Mapping[str, Any]]) -> None:
    """Add annotations, in GitHub's own field names."""
    for note in notes:
        hub.db.insert(
            "check_annotations",
            run_id=run_id,
            path=note["path"],
            start_line=note["start_line"],
            end_line=note["end_line"],
            start_column=note.get("start_column"),
            end_column=note.get("end_column"),
            level=note["annotation_level"],
            message=note["message"],
            title=note.get("title"),
            raw_details=note.get("raw_details"),
        )


def auto_triggered(hub: Hub, repo_id: int, app_id: int) -> bool:
    """Whether a push makes a suite for this app: yes, unless the repository's preferences say no."""
    sql = "SELECT setting FROM check_preferences WHERE repo_id = ? AND app_id = ?"
    return hub.db.value(sql, repo_id, app_id) in (None, 1)


def rerequest_suite(hub: Hub, suite: Row, by: int) -> None:
    """Ask the suite's app to check again: the suite is queued anew, its runs stay as they are."""
    set_suite(hub, suite, "queued", None, by)
    payload = {"check_suite": render.suite_hook(hub, hub.db.get("check_suites", suite["id"]))}
    hub.emit(
        Event("check_suite", "rerequested", suite["repo_id"], by, payload, app=suite["app_id"], sha=suite["head_sha"])
    )


def rerequest_run(hub: Hub, run: Row, by: int) -> None:
    """The same for one run; the run itself is not changed."""
    set_suite(hub, hub.db.get("check_suites", run["suite_id"]), "queued", None, by)
    payload = {"check_run": render.run_hook(hub, run)}
    hub.emit(Event("check_run", "rerequested", run["repo_id"], by, payload, app=run["app_id"], sha=run["head_sha"]))


def request_action(hub: Hub, run: Row, identifier: str, by: int) -> None:
    """Somebody pressed one of the run's buttons: its app is told; 404 for a button that is not there."""
    if all(action["identifier"] != identifier for action in json.loads(run["actions"])):
        raise not_found()
    payload = {"check_run": render.run_hook(hub, run), "requested_action": {"identifier": identifier}}
    hub.emit(
        Event("check_run", "requested_action", run["repo_id"], by, payload, app=run["app_id"], sha=run["head_sha"])
    )


def on_push(hub: Hub, event: Event) -> None:
    """Give every app that may write checks a suite for the new head, as GitHub does."""
    push = event.pushed
    if event.repo is None or push is None or not push.ref.startswith("refs/heads/") or push.after == ZERO:
        return
    repo = hub.access.repo_by_id(event.repo)
    owner = repo["owner_id"]
    sql = "SELECT * FROM installations WHERE account_id = ? AND suspended_at IS NULL ORDER BY id"
    for row in hub.known.get(("installations", owner), lambda: hub.db.rows(sql, owner)):
        may_write = json.loads(row["permissions"]).get("checks") == "write"
        if (
            may_write
            and auto_triggered(hub, repo["id"], row["app_id"])
            and repo["id"] in hub.access.installed(row["id"], repo["id"])
        ):
            branch = push.ref.removeprefix("refs/heads/")
            create_suite(
                hub, repo, row["app_id"], push.after, branch, before=push.before, by=event.sender, tell_app=True
            )
