"""Lists of issues and pull requests, and new issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from localhub import issuecounts, issues, labels, relations
from localhub.errors import GitHubError
from localhub.http import PageDep
from localhub.issuelist import Where
from localhub.issuesearch import refresh_index
from localhub.pages import checks, shapes
from localhub.pages.listing import SORTS, Query, counted, many
from localhub.pages.people import assignable
from localhub.pages.talk import BOTH, Talk
from localhub.pages.web import FormDep, Web, home, to
from localhub.render.issues import sub_issues_summary

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.http import Paging
    from localhub.hub import Hub


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    @api.get(root + "/issues")
    def listed(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        return listing(web, request, hub.access.repo(owner, name, BOTH), paging, pulls=False)

    @api.get(root + "/pulls")
    def pulls(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        return listing(web, request, hub.access.repo(owner, name, BOTH), paging, pulls=True)

    @api.get(root + "/issues/new")
    def new(owner: str, name: str, request: Request) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write", role="read")
        web.user()
        asked = request.query_params.get("parent", "")
        parent = issues.find(hub, repo, int(asked)) if asked.isdigit() else None
        return web.page(
            request, "issue_new.html", repo=repo, tab="issues", talk=Talk(hub, repo), parent=parent,
            labels=all_labels(hub, repo), milestones=milestones(hub, repo), assignable=assignable(hub, repo),
            query=request.query_params,
        )  # fmt: skip

    @api.post(root + "/issues")
    def create(owner: str, name: str, form: FormDep) -> Response:
        """A new issue; with `parent`, as its sub-issue."""
        repo = hub.access.repo(owner, name, "issues", "write", role="read")
        actor = hub.access.user()
        parent = None
        if form.text("parent"):
            hub.access.repo(owner, name, "issues", "write", role="triage")
            parent = issues.find(hub, repo, form.number("parent"))
        with hub.tx():
            row = issues.create(
                hub, repo, actor, form.text("title"), form.text("body") or None, labels=form.all("labels"),
                assignees=form.all("assignees"),
                milestone=form.number("milestone") if form.text("milestone") else None,
            ).row  # fmt: skip
            if parent is not None:
                relations.add_sub_issue(hub, parent, row, actor)
        if parent is not None and form.text("more"):
            return to(f"{home(repo)}/issues/new?parent={parent['number']}")
        return to(f"{home(repo)}/issues/{row['number']}")


def listing(web: Web, request: Request, repo: Row, paging: Paging, *, pulls: bool) -> Response:
    """One page of a repository's issues or pull requests; without a query, the open ones."""
    hub = web.hub
    query = asked(request.query_params)
    where = Where()
    where.add("i.repo_id = ?", repo["id"])
    where.add("i.is_pull = ?", int(pulls))
    query.narrow(where)
    if query.has_words:
        refresh_index(hub)
    counts = _counts(hub, repo, query, pulls=pulls)
    total = counts.get(query.state)
    if total is None:
        total = counted(hub, f"FROM issues i WHERE {where}", *where.values)
    rows = hub.db.rows(
        f"SELECT i.* FROM issues i WHERE {where} ORDER BY {SORTS[query.order][1]} LIMIT ? OFFSET ?",  # noqa: S608
        *where.values,
        paging.limit,
        paging.offset,
    )
    return web.page(
        request,
        "issues.html",
        repo=repo,
        tab="pulls" if pulls else "issues",
        rows=[_listed(hub, repo, row) for row in rows],
        total=total,
        query=query,
        counts=counts,
        many=many,
        paging=paging,
        menus=_menus(hub, repo, query),
        sorts=SORTS,
        pins=[] if pulls or str(query) != "is:open" else _pins(hub, repo),
    )


def _pins(hub: Hub, repo: Row) -> list[tuple[Row, str]]:
    """Pinned issues, at most three, with the name of their icon."""
    sql = "SELECT i.* FROM pins p JOIN issues i ON i.id = p.issue_id WHERE p.repo_id = ? ORDER BY p.id"
    return [(row, shapes.issue_state(hub, row)) for row in hub.db.rows(sql, repo["id"])]


def asked(params: QueryParams) -> Query:
    """The query of `q`, or of GitHub's older parameters one by one."""
    if "q" in params:
        return Query.parse(params["q"])
    query = Query.parse("is:open")
    if params.get("state") in ("closed", "all"):
        query = query.having("is", params["state"] if params["state"] == "closed" else None)
    for key in ("label", "author", "assignee", "milestone"):
        if params.get(key):
            query = query.having(key, params[key])
    return query


def _counts(hub: Hub, repo: Row, query: Query, *, pulls: bool) -> dict[str, int]:
    """How many are open and closed, of those that the rest of the query leaves."""
    found: dict[str, int] = {}
    if query.has_words:  # what contains words is looked for once
        return found
    if str(query) in ("is:open", "is:closed"):
        return {state: dict(issuecounts.of_kind(hub, repo["id"], state))[int(pulls)] for state in ("open", "closed")}
    for state in ("open", "closed"):
        where = Where()
        where.add("i.repo_id = ?", repo["id"])
        where.add("i.is_pull = ?", int(pulls))
        query.having("is", state).narrow(where)
        found[state] = counted(hub, f"FROM issues i WHERE {where}", *where.values)
    return found


def _menus(hub: Hub, repo: Row, query: Query) -> list[tuple[str, str, list[str], str | None]]:
    """(heading, key, values, the chosen value) of each filter; of people those who wrote lately."""
    authors = hub.db.rows(
        """SELECT login FROM accounts WHERE id IN
             (SELECT author_id FROM issues WHERE repo_id = ? ORDER BY number DESC LIMIT 500) ORDER BY login LIMIT 50""",
        repo["id"],
    )
    return [
        ("Author", "author", [row["login"] for row in authors], query.value("author")),
        ("Label", "label", [row["name"] for row in all_labels(hub, repo)], query.value("label")),
        ("Milestone", "milestone", [row["title"] for row in milestones(hub, repo)], query.value("milestone")),
        ("Assignee", "assignee", assignable(hub, repo), query.value("assignee")),
    ]


def _listed(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    pull = hub.db.row("SELECT * FROM pulls WHERE issue_id = ?", row["id"]) if row["is_pull"] else None
    people = hub.db.rows("SELECT account_id FROM assignees WHERE issue_id = ? ORDER BY rowid LIMIT 5", row["id"])
    return {
        "row": row,
        "state": shapes.issue_state(hub, row),
        "labels": labels.of_issue(hub, row["id"]),
        "parent": relations.parent_of(hub, row["id"]),
        "below": sub_issues_summary(hub, row["id"]),
        "blocked": any(each["state"] == "open" for each in relations.blockers(hub, row["id"])),
        "checks": checks.overall(hub, repo, pull["head_sha"]) if pull else None,
        "milestone": hub.db.get("milestones", row["milestone_id"]) if row["milestone_id"] else None,
        "assignees": [shapes.person(hub, each["account_id"]) for each in people],
        "verdict": _verdict(hub, pull) if pull else "",
        "pulls": 0,
    }


def _verdict(hub: Hub, pull: Row) -> str:
    """What the list says of a pull request's reviews."""
    newest: dict[int, str] = {}
    for each in hub.db.rows("SELECT user_id, state FROM reviews WHERE pull_id = ? ORDER BY id", pull["id"]):
        if each["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            newest[each["user_id"]] = each["state"]
    if "CHANGES_REQUESTED" in newest.values():
        return "Changes requested"
    if "APPROVED" in newest.values():
        return "Approved"
    waiting = hub.db.value("SELECT COUNT(*) FROM review_requests WHERE pull_id = ?", pull["id"])
    return "Review required" if waiting and pull["open"] else ""


def all_labels(hub: Hub, repo: Row) -> list[Row]:
    return hub.db.rows("SELECT * FROM labels WHERE repo_id = ? ORDER BY name LIMIT 500", repo["id"])


def milestones(hub: Hub, repo: Row) -> list[Row]:
    sql = "SELECT * FROM milestones WHERE repo_id = ? ORDER BY state DESC, number LIMIT 100"
    return hub.db.rows(sql, repo["id"])


def number_of(text: str) -> int:
    """`#12`, `12` or an issue's address as its number; 422 otherwise."""
    digits = text.strip().rsplit("/", 1)[-1].lstrip("#")
    if not (digits.isascii() and digits.isdigit()):
        raise GitHubError(422, f"{text.strip() or 'Nothing'} is no issue's number: write it as #12.")
    return int(digits[:15])
