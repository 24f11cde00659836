"""The parts of a branch's classic protection: administrators, required reviews, required checks and their contexts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import protection
from localhub.db import Row
from localhub.errors import GitHubError
from localhub.http import reply
from localhub.hub import Hub
from localhub.refs import git_of
from localhub.rest.protection import shown

PART = "/repos/{owner}/{name}/branches/{branch:path}/protection"


class Reviews(BaseModel):
    dismiss_stale_reviews: bool | None = None
    require_code_owner_reviews: bool | None = None
    required_approving_review_count: int | None = None
    require_last_push_approval: bool | None = None


class Checks(BaseModel):
    strict: bool | None = None
    contexts: list[str] | None = None
    checks: list[dict[str, Any]] | None = None


class Contexts(BaseModel):
    contexts: list[str]


def router(hub: Hub) -> APIRouter:
    """These routes come before those of branches, whose names may have slashes."""
    api = APIRouter()
    _admins_and_reviews(api, hub)
    _checks(api, hub)
    return api


class Guarded:
    """A protected branch; `save` keeps what has changed in `settings`."""

    def __init__(self, hub: Hub, owner: str, name: str, branch: str, level: str = "write") -> None:
        self.hub, self.branch = hub, branch
        self.repo: Row = hub.access.repo(owner, name, "administration", level, role="admin")
        if git_of(hub, self.repo).ref(f"refs/heads/{branch}") is None:
            raise GitHubError(404, "Branch not found")
        found = protection.protection(hub, self.repo["id"], branch)
        if found is None:
            raise GitHubError(404, "Branch not protected")
        self.settings: dict[str, Any] = found

    def save(self) -> None:
        protection.protect(self.hub, self.repo, self.branch, self.settings)

    def part(self, key: str, missing: str) -> dict[str, Any]:
        """A part as GitHub shows it; 404 in the given words if it is not enabled."""
        found = shown(self.hub, self.repo, self.branch, self.settings).get(key)
        if found is None:
            raise GitHubError(404, missing)
        return dict(found)


def _admins_and_reviews(api: APIRouter, hub: Hub) -> None:
    def admins(owner: str, name: str, branch: str, enforced: bool | None) -> Guarded:
        guarded = Guarded(hub, owner, name, branch, "read" if enforced is None else "write")
        if enforced is not None:
            guarded.settings["enforce_admins"] = enforced
            guarded.save()
        return guarded

    @api.get(PART + "/enforce_admins")
    def get_admins(owner: str, name: str, branch: str) -> Response:
        return reply(admins(owner, name, branch, None).part("enforce_admins", "Branch not protected"))

    @api.post(PART + "/enforce_admins")
    def enforce(owner: str, name: str, branch: str) -> Response:
        return reply(admins(owner, name, branch, True).part("enforce_admins", "Branch not protected"))

    @api.delete(PART + "/enforce_admins")
    def spare(owner: str, name: str, branch: str) -> Response:
        admins(owner, name, branch, False)
        return reply(None, 204)

    key, missing = "required_pull_request_reviews", "Required pull request reviews not enabled"

    @api.get(f"{PART}/{key}")
    def get_reviews(owner: str, name: str, branch: str) -> Response:
        return reply(Guarded(hub, owner, name, branch, "read").part(key, missing))

    @api.patch(f"{PART}/{key}")
    def change_reviews(owner: str, name: str, branch: str, wanted: Reviews) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        guarded.settings[key] = (guarded.settings[key] or {}) | wanted.model_dump(exclude_none=True)
        guarded.save()
        return reply(guarded.part(key, missing))

    @api.delete(f"{PART}/{key}")
    def remove_reviews(owner: str, name: str, branch: str) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        guarded.part(key, missing)
        guarded.settings[key] = None
        guarded.save()
        return reply(None, 204)


def _checks(api: APIRouter, hub: Hub) -> None:
    key, missing = "required_status_checks", "Required status checks not enabled"

    def named(guarded: Guarded) -> list[dict[str, Any]]:
        return list(guarded.part(key, missing)["checks"])

    def keep(guarded: Guarded, checks: list[dict[str, Any]]) -> None:
        guarded.settings[key] = guarded.settings[key] | {"checks": checks, "contexts": []}
        guarded.save()

    @api.get(f"{PART}/{key}")
    def get(owner: str, name: str, branch: str) -> Response:
        return reply(Guarded(hub, owner, name, branch, "read").part(key, missing))

    @api.patch(f"{PART}/{key}")
    def change(owner: str, name: str, branch: str, wanted: Checks) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        checks = named(guarded)
        if wanted.checks is not None:
            checks = wanted.checks
        elif wanted.contexts is not None:
            checks = [{"context": each, "app_id": None} for each in wanted.contexts]
        if wanted.strict is not None:
            guarded.settings[key]["strict"] = wanted.strict
        keep(guarded, checks)
        return reply(guarded.part(key, missing))

    @api.delete(f"{PART}/{key}")
    def remove(owner: str, name: str, branch: str) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        guarded.part(key, missing)
        guarded.settings[key] = None
        guarded.save()
        return reply(None, 204)

    contexts = f"{PART}/{key}/contexts"

    def answer(guarded: Guarded) -> Response:
        return reply(guarded.part(key, missing)["contexts"])

    @api.get(contexts)
    def listed(owner: str, name: str, branch: str) -> Response:
        return answer(Guarded(hub, owner, name, branch, "read"))

    @api.post(contexts)
    def add(owner: str, name: str, branch: str, wanted: Contexts | list[str]) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        checks = named(guarded)
        known = {each["context"] for each in checks}
        keep(guarded, checks + [{"context": each, "app_id": None} for each in _names(wanted) if each not in known])
        return answer(guarded)

    @api.put(contexts)
    def replace(owner: str, name: str, branch: str, wanted: Contexts | list[str]) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        named(guarded)
        keep(guarded, [{"context": each, "app_id": None} for each in dict.fromkeys(_names(wanted))])
        return answer(guarded)

    @api.delete(contexts)
    def drop(owner: str, name: str, branch: str, wanted: Contexts | list[str]) -> Response:
        guarded = Guarded(hub, owner, name, branch)
        gone = _names(wanted)
        keep(guarded, [each for each in named(guarded) if each["context"] not in gone])
        return answer(guarded)


def _names(wanted: Contexts | list[str]) -> list[str]:
    return wanted.contexts if isinstance(wanted, Contexts) else wanted
