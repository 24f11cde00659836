"""The workflows of a repository: their runs, filtered; started by hand, switched off and on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub.actions import triggers
from localhub.actions.service import Actions
from localhub.actions.workflows import Workflow, parse
from localhub.context import current_actor
from localhub.errors import invalid, not_found
from localhub.http import PageDep
from localhub.issuelist import Where
from localhub.pages import checks
from localhub.pages.repository import branch_names
from localhub.pages.web import FormDep, Posted, Web, home, to
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.http import Paging
    from localhub.hub import Hub

EVENTS = ("push", "pull_request", "workflow_dispatch")
STATES = {
    "success": "r.conclusion = 'success'",
    "failure": "r.conclusion IN ('failure', 'timed_out', 'startup_failure')",
    "cancelled": "r.conclusion = 'cancelled'",
    "running": "r.status <> 'completed'",
}


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}/actions"

    @api.get(root)
    def runs(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        return show(request, repo, None, paging)

    def find(repo: Row, file: str) -> Row:
        triggers.register(hub, repo)
        path = f".github/workflows/{file}"
        row = hub.db.row("SELECT * FROM workflows WHERE repo_id = ? AND path = ?", repo["id"], path)
        if row is None:
            raise not_found()
        return row

    @api.get(root + "/workflows/{file}")
    def workflow(owner: str, name: str, file: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "actions")
        return show(request, repo, find(repo, file), paging)

    def show(request: Request, repo: Row, flow: Row | None, paging: Paging) -> Response:
        triggers.register(hub, repo)
        query, actor = request.query_params, current_actor()
        filters = {key: query[key] for key in ("branch", "event", "state") if query.get(key)}
        where = _where(repo, flow, filters)
        rows = hub.db.rows(
            f"""SELECT r.*, w.name AS workflow, w.path AS file FROM workflow_runs r
                JOIN workflows w ON w.id = r.workflow_id WHERE {where} ORDER BY r.id DESC LIMIT ? OFFSET ?""",  # noqa: S608
            *where.values,
            paging.limit,
            paging.offset,
        )
        return web.page(
            request,
            "actions.html",
            repo=repo,
            tab="actions",
            flow=flow,
            runs=[(row, checks.word(row["status"], row["conclusion"])) for row in rows],
            total=hub.db.value(f"SELECT COUNT(*) FROM workflow_runs r WHERE {where}", *where.values),  # noqa: S608
            paging=paging,
            filters=filters,
            flows=hub.db.rows("SELECT * FROM workflows WHERE repo_id = ? ORDER BY name", repo["id"]),
            branches=branch_names(git_of(hub, repo)),
            events=EVENTS,
            states=STATES,
            may_write=actor.kind == "user" and hub.access.allowed(actor, repo, "actions", "write"),
            inputs=_inputs(hub, repo, flow) if flow is not None else None,
        )

    @api.post(root + "/workflows/{file}")
    def act(owner: str, name: str, file: str, form: FormDep) -> Response:
        """`do`: run (on `ref`, with the inputs as fields named input.X), enable or disable."""
        repo = hub.access.repo(owner, name, "actions", "write")
        row, actor = find(repo, file), hub.access.user()
        page = f"{home(repo)}/actions/workflows/{file}"
        if form.text("do") in ("enable", "disable"):
            state = "active" if form.text("do") == "enable" else "disabled_manually"
            with hub.tx():
                hub.db.update("workflows", row["id"], state=state, updated_at=hub.now())
            return to(page)
        if row["state"] != "active":
            raise invalid("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        ref = form.text("ref")
        sha = branch_names(git_of(hub, repo)).get(ref)
        parsed = _parsed(hub, repo, sha, row["path"]) if sha else None
        if sha is None or parsed is None:
            raise invalid(f"The branch {ref} has no {row['path']}.")
        if "workflow_dispatch" not in parsed.on:
            raise invalid("Workflow does not have 'workflow_dispatch' trigger")
        values = _values(parsed, form)
        with hub.tx():
            triggers.dispatch(hub, repo, parsed, f"refs/heads/{ref}", sha, values, actor.account_id)
            Actions.of(hub).poke()
        return to(page)


def _where(repo: Row, flow: Row | None, filters: dict[str, str]) -> Where:
    where = Where()
    where.add("r.repo_id = ?", repo["id"])
    if flow is not None:
        where.add("r.workflow_id = ?", flow["id"])
    if filters.get("branch"):
        where.add("r.head_branch = ?", filters["branch"])
    if filters.get("event"):
        where.add("r.event = ?", filters["event"])
    if filters.get("state"):
        where.add(STATES.get(filters["state"], "1 = 0"))
    return where


def _parsed(hub: Hub, repo: Row, sha: str, path: str) -> Workflow | None:
    content = git_of(hub, repo).read(sha, path)
    parsed = parse(path, content.decode("utf-8", "replace")) if content is not None else None
    return parsed if isinstance(parsed, Workflow) else None


def _asked(parsed: Workflow) -> dict[str, dict[str, Any]]:
    wanted = (parsed.on.get("workflow_dispatch") or {}).get("inputs") or {}
    return {str(name): each if isinstance(each, dict) else {} for name, each in wanted.items()}


def _inputs(hub: Hub, repo: Row, flow: Row) -> list[dict[str, Any]] | None:
    """What the workflow of the default branch asks for when it is run by hand; None when it cannot be."""
    sha = branch_names(git_of(hub, repo)).get(repo["default_branch"])
    parsed = _parsed(hub, repo, sha, flow["path"]) if sha else None
    if parsed is None or "workflow_dispatch" not in parsed.on:
        return None
    return [
        {
            "name": name, "type": str(each.get("type") or "string"), "default": each.get("default"),
            "required": bool(each.get("required")), "description": str(each.get("description") or name),
            "options": [str(option) for option in each.get("options") or []],
        }
        for name, each in _asked(parsed).items()
    ]  # fmt: skip


def _values(parsed: Workflow, form: Posted) -> dict[str, Any]:
    """The inputs as GitHub passes them: all text, booleans as true and false."""
    values: dict[str, Any] = {}
    for name, each in _asked(parsed).items():
        text = form.text(f"input.{name}")
        if each.get("type") == "boolean":
            values[name] = "true" if text == "true" else "false"
        elif text:
            values[name] = text
        elif each.get("required"):
            raise invalid(f"Required input '{name}' not provided")
        elif each.get("default") is not None:
            values[name] = str(each["default"])
    return values
