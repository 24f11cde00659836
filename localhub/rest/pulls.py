"""Pull requests over REST."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from localhub import gitdiff, merging, pulls, reviewers
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, field, invalid
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.quick import Alone, quick
from localhub.refs import git_of
from localhub.render import accounts
from localhub.render import git as git_render
from localhub.render import pulls as render
from localhub.rest.commits import media, plain

FILES = 3000
COMMITS = 250
SORT = {"created": "p.id", "updated": "i.updated_at", "popularity": "i.comments", "long-running": "p.id"}


class NewPull(BaseModel):
    title: str | None = None
    head: str
    head_repo: str | None = None
    base: str
    body: str | None = None
    draft: bool = False
    issue: int | None = None
    maintainer_can_modify: bool = True


class EditPull(BaseModel):
    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    base: str | None = None
    maintainer_can_modify: bool | None = None


class MergePull(BaseModel):
    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = None
    merge_method: Literal["merge", "squash", "rebase"] = "merge"


class UpdateBranch(BaseModel):
    expected_head_sha: str | None = None


class Reviewers(BaseModel):
    reviewers: list[str] = []
    team_reviewers: list[str] = []


class Unrequest(Reviewers):
    reviewers: list[str]


def _of_itself(owner: str, wanted: NewPull) -> bool:
    """Whether the head is a branch of the repository itself: of a fork's the commits have to be brought by git."""
    above, colon, _ = wanted.head.rpartition(":")
    return wanted.head_repo is None and (not colon or above.lower() == owner.lower())


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    root = "/repos/{owner}/{name}/pulls"
    alone = Alone(hub)

    def reading(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests")
        return repo, pulls.find(hub, repo, number)

    def writing(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        hub.access.user()
        return repo, pulls.find(hub, repo, number)

    @api.get(root)
    def listed(
        owner: str, name: str, paging: PageDep, state: str = "open", head: str | None = None,
        base: str | None = None, sort: str = "created", direction: str | None = None,
    ) -> Response:  # fmt: skip
        repo = hub.access.repo(owner, name, "pull_requests")
        where, values = ["p.repo_id = ?"], [repo["id"]]
        if state in ("open", "closed"):
            where.append("p.open = ?")
            values.append(int(state == "open"))
        if head is not None and ":" in head:  # GitHub ignores a head without its owner
            login, _, branch = head.partition(":")
            where.append("p.head_ref = ? AND p.head_owner_id = (SELECT id FROM accounts WHERE login = ?)")
            values += [branch, login]
        if base is not None:
            where.append("p.base_ref = ?")
            values.append(base)
        clause = " AND ".join(where)
        total = hub.db.value(f"SELECT COUNT(*) FROM pulls p WHERE {clause}", *values)  # noqa: S608
        down = direction or ("desc" if sort == "created" else "asc")
        order = f"{SORT.get(sort, 'p.id')} {'DESC' if down == 'desc' else 'ASC'}, p.id DESC"
        rows = hub.db.rows(
            f"{render.JOINED} WHERE {clause} ORDER BY {order} LIMIT ? OFFSET ?", *values, paging.limit, paging.offset
        )
        return paging.reply([render.simple(hub, repo, row) for row in rows], total)

    @api.post(root)
    @quick(lambda asked: _of_itself(asked["owner"], asked["wanted"]), alone)
    def create(owner: str, name: str, wanted: NewPull) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        actor = hub.access.user()
        pull = pulls.create(hub, repo, actor, **wanted.model_dump())
        data = pulls.full(hub, repo, pull)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(root + "/{number:int}")
    def get(owner: str, name: str, number: int, request: Request) -> Response:
        repo, pull = reading(owner, name, number)
        kind = media(request)
        if kind:
            git = git_of(hub, repo)
            fork = git.merge_base(pull["base_sha"], pull["head_sha"]) or pull["base_sha"]
            return plain((gitdiff.diff if kind == "diff" else gitdiff.patch)(git, fork, pull["head_sha"]), kind)
        if pull["mergeable"] is None and pull["state"] == "open":
            merging.schedule(hub, pull["id"])
        return reply(pulls.full(hub, repo, pull))

    @api.patch(root + "/{number:int}")
    @quick(lambda asked: asked["wanted"].base is None and asked["wanted"].state != "open")
    def edit(owner: str, name: str, number: int, wanted: EditPull) -> Response:
        repo, pull = writing(owner, name, number)
        changes = wanted.model_dump()
        if "body" in wanted.model_fields_set and wanted.body is None:
            changes["body"] = ""
        return reply(pulls.full(hub, repo, pulls.edit(hub, repo, pull, current_actor(), **changes)))

    @api.get(root + "/{number:int}/files")
    def files(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo, pull = reading(owner, name, number)
        git = git_of(hub, repo)
        fork = git.merge_base(pull["base_sha"], pull["head_sha"])
        found = gitdiff.changes(git, fork, pull["head_sha"])[:FILES]
        shown = list(paging.slice(found))
        return paging.reply(git_render.files(hub, repo, shown, pull["head_sha"]), len(found))

    @api.get(root + "/{number:int}/commits")
    def commits(owner: str, name: str, number: int, paging: PageDep) -> Response:
        repo, pull = reading(owner, name, number)
        git = git_of(hub, repo)
        shas = pulls.commits(git, pull)[:COMMITS]
        return paging.reply(git_render.commits(hub, repo, git, list(paging.slice(shas))), len(shas))

    @api.get(root + "/{number:int}/merge")
    def merged(owner: str, name: str, number: int) -> Response:
        _, pull = reading(owner, name, number)
        if not pull["merged"]:
            raise GitHubError(404, "Not Found")
        return reply(None, 204)

    @api.put(root + "/{number:int}/merge")
    @quick(bool, alone)
    def merge(owner: str, name: str, number: int, wanted: MergePull | None = None) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        pull, wish = pulls.find(hub, repo, number), wanted or MergePull()
        sha = merging.merge(
            hub, repo, pull, current_actor(), method=wish.merge_method, sha=wish.sha,
            title=wish.commit_title, message=wish.commit_message,
        )  # fmt: skip
        return reply({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})

    @api.put(root + "/{number:int}/update-branch")
    def update_branch(owner: str, name: str, number: int, wanted: UpdateBranch | None = None) -> Response:
        repo, pull = writing(owner, name, number)
        hub.access.require(current_actor(), repo, "contents", "write")
        merging.update_branch(hub, repo, pull, current_actor(), wanted.expected_head_sha if wanted else None)
        url = git_render.api(hub, repo, f"/pulls/{number}")
        return reply({"message": "Updating pull request branch.", "url": url}, 202)

    @api.get(root + "/{number:int}/requested_reviewers")
    def requested(owner: str, name: str, number: int) -> Response:
        _, pull = reading(owner, name, number)
        users = [accounts.simple_user(hub, each) for each in render.requested(hub, pull["id"])]
        return reply({"users": users, "teams": []})

    @api.post(root + "/{number:int}/requested_reviewers")
    def request_reviewers(owner: str, name: str, number: int, wanted: Reviewers) -> Response:
        repo, pull = asking(owner, name, number, wanted)
        changed = reviewers.request(hub, repo, pull, current_actor(), wanted.reviewers)
        return reply(render.simple(hub, repo, changed), 201)

    @api.delete(root + "/{number:int}/requested_reviewers")
    def unrequest(owner: str, name: str, number: int, wanted: Unrequest) -> Response:
        repo, pull = asking(owner, name, number, wanted)
        changed = reviewers.unrequest(hub, repo, pull, current_actor(), wanted.reviewers)
        return reply(render.simple(hub, repo, changed))

    def asking(owner: str, name: str, number: int, wanted: Reviewers) -> tuple[Row, Row]:
        repo, pull = writing(owner, name, number)
        if not pulls.may_edit(hub, repo, pull, current_actor(), "triage"):
            raise GitHubError(403, "Must have push access to repository.")
        if wanted.team_reviewers:
            raise invalid("Validation Failed", field("PullRequest", "team_reviewers", "invalid"))
        return repo, pull

    return api
