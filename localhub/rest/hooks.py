"""Webhooks of repositories: made, changed, pinged, tested; their deliveries, listed and sent again.

Source: docs.github.com, "REST API endpoints for repository webhooks" and "… webhook configuration / deliveries".
"""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, field, invalid, not_found
from localhub.events import WEBHOOKS, Event
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.refs import git_of, latest_push
from localhub.render import apps as deliveries_of_apps
from localhub.render import hooks as render
from localhub.rest.deliveries import listing, may_be_sent_again

MOST = 20  # hooks of a repository for one event


class Config(BaseModel):
    url: str | None = None
    content_type: Literal["json", "form"] | None = None
    secret: str | None = None
    insecure_ssl: str | int | float | None = None


class NewHook(BaseModel):
    name: str = "web"
    config: Config | None = None
    events: list[str] = ["push"]
    active: bool = True


class ChangeHook(BaseModel):
    config: Config | None = None
    events: list[str] | None = None
    add_events: list[str] = []
    remove_events: list[str] = []
    active: bool | None = None


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    db, root = hub.db, "/repos/{owner}/{name}/hooks"

    def administered(owner: str, name: str, level: str = "read") -> Row:
        try:
            return hub.access.repo(owner, name, "repository_hooks", level, role="admin")
        except GitHubError as error:
            if error.status == 403 and not current_actor().is_bot:
                raise not_found() from error  # hooks are shown to administrators alone
            raise

    def one(repo: Row, hook_id: int) -> Row:
        found = db.row("SELECT * FROM hooks WHERE id = ? AND repo_id = ?", hook_id, repo["id"])
        if found is None:
            raise not_found()
        return found

    @api.get(root)
    def hooks(owner: str, name: str, paging: PageDep) -> Response:
        repo = administered(owner, name)
        rows = db.rows("SELECT * FROM hooks WHERE repo_id = ? ORDER BY id", repo["id"])
        return paging.reply([render.hook(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.post(root)
    def create(owner: str, name: str, wanted: NewHook) -> Response:
        repo = administered(owner, name, "write")
        row = make(hub, repo, wanted)
        data = render.hook(hub, repo, row)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(root + "/{hook_id}")
    def get(owner: str, name: str, hook_id: int) -> Response:
        repo = administered(owner, name)
        return reply(render.hook(hub, repo, one(repo, hook_id)))

    @api.patch(root + "/{hook_id}")
    def change(owner: str, name: str, hook_id: int, wanted: ChangeHook) -> Response:
        repo = administered(owner, name, "write")
        row = one(repo, hook_id)
        events = [*(json.loads(row["events"]) if wanted.events is None else wanted.events), *wanted.add_events]
        events = [each for each in dict.fromkeys(events) if each not in wanted.remove_events]
        columns = _columns(wanted.config or Config())
        if wanted.config is not None and "secret" not in columns:
            columns["secret"] = None  # "If you do not provide a secret, the secret will be removed"
        with hub.tx():
            _check(hub, repo, {"url": row["url"], "content_type": row["content_type"], **columns}, events, hook_id)
            active = row["active"] if wanted.active is None else int(wanted.active)
            db.update("hooks", hook_id, events=json.dumps(events), active=active, updated_at=hub.now(), **columns)
        return reply(render.hook(hub, repo, one(repo, hook_id)))

    @api.delete(root + "/{hook_id}")
    def delete(owner: str, name: str, hook_id: int) -> Response:
        row = one(administered(owner, name, "write"), hook_id)
        with hub.tx():
            db.execute("DELETE FROM hooks WHERE id = ?", row["id"])
        return reply(None, 204)

    @api.get(root + "/{hook_id}/config")
    def config(owner: str, name: str, hook_id: int) -> Response:
        return reply(render.config(one(administered(owner, name), hook_id)))

    @api.patch(root + "/{hook_id}/config")
    def change_config(owner: str, name: str, hook_id: int, wanted: Config) -> Response:
        repo = administered(owner, name, "write")
        one(repo, hook_id)
        with hub.tx():
            db.update("hooks", hook_id, updated_at=hub.now(), **_columns(wanted))
        return reply(render.config(one(repo, hook_id)))

    @api.post(root + "/{hook_id}/pings")
    def ping_it(owner: str, name: str, hook_id: int) -> Response:
        repo = administered(owner, name)
        with hub.tx():
            _ping(hub, repo, one(repo, hook_id))
        return reply(None, 204)

    @api.post(root + "/{hook_id}/tests")
    @api.post(root + "/{hook_id}/test")
    def test(owner: str, name: str, hook_id: int) -> Response:
        """The latest push to the repository, if the hook hears of pushes."""
        repo = administered(owner, name)
        row = one(repo, hook_id)
        payload = latest_push(hub, repo, git_of(hub, repo), current_actor())
        if payload is not None and {"*", "push"} & set(json.loads(row["events"])):
            with hub.tx():
                hub.webhooks.send(row, Event("push", None, repo["id"], current_actor().account_id, payload))
        return reply(None, 204)

    def delivery(owner: str, name: str, hook_id: int, delivery_id: int, level: str = "read") -> Row:
        row = one(administered(owner, name, level), hook_id)
        found = db.row("SELECT * FROM deliveries WHERE id = ? AND hook_id = ?", delivery_id, row["id"])
        if found is None:
            raise not_found()
        return found

    @api.get(root + "/{hook_id}/deliveries")
    def deliveries(
        owner: str, name: str, hook_id: int, paging: PageDep, cursor: str | None = None, status: str | None = None
    ) -> Response:
        row = one(administered(owner, name), hook_id)
        url = f"/repos/{owner}/{name}/hooks/{hook_id}/deliveries"
        return listing(hub, "hook_id", row["id"], url, paging, cursor, status)

    @api.get(root + "/{hook_id}/deliveries/{delivery_id}")
    def get_delivery(owner: str, name: str, hook_id: int, delivery_id: int) -> Response:
        return reply(deliveries_of_apps.full_delivery(delivery(owner, name, hook_id, delivery_id)))

    @api.post(root + "/{hook_id}/deliveries/{delivery_id}/attempts")
    def redeliver(owner: str, name: str, hook_id: int, delivery_id: int) -> Response:
        found = delivery(owner, name, hook_id, delivery_id, "write")
        may_be_sent_again(hub, found)
        hub.webhooks.redeliver(found)
        return reply({}, 202)

    return api


def make(hub: Hub, repo: Row, wanted: NewHook) -> Row:
    """A new webhook, to which a `ping` is sent at once."""
    if wanted.name != "web":
        raise _wrong(f"{wanted.name} is not a valid service or webhook name")
    columns = {"content_type": "form", "insecure_ssl": "0", **_columns(wanted.config or Config())}
    if not columns.get("url"):
        raise _wrong("Config must contain URL for webhooks")
    with hub.tx():
        _check(hub, repo, columns, wanted.events)
        made = hub.db.insert(
            "hooks", repo_id=repo["id"], events=json.dumps(wanted.events), active=int(wanted.active),
            created_at=hub.now(), updated_at=hub.now(), **columns,
        )  # fmt: skip
        row = hub.db.get("hooks", made)
        if wanted.active:
            _ping(hub, repo, row)
    return row


def _ping(hub: Hub, repo: Row, row: Row) -> None:
    payload = {"zen": "Keep it logically awesome.", "hook_id": row["id"], "hook": render.hook(hub, repo, row)}
    hub.webhooks.send(row, Event("ping", None, repo["id"], current_actor().account_id, payload))


def _wrong(message: str) -> GitHubError:
    return invalid("Validation Failed", {"resource": "Hook", "code": "custom", "message": message})


def _columns(config: Config) -> dict[str, Any]:
    values = config.model_dump(exclude_none=True)
    if "insecure_ssl" in values:
        values["insecure_ssl"] = "1" if str(values["insecure_ssl"]) in ("1", "1.0") else "0"
    return values


def _check(hub: Hub, repo: Row, columns: dict[str, Any], events: list[str], own: int = 0) -> None:
    if not str(columns["url"]).startswith(("http://", "https://")):
        raise invalid("Validation Failed", field("Hook", "url", "custom", "url is not a valid URL"))
    for event in events:
        if event != "*" and event not in WEBHOOKS:
            raise _wrong(f'The "{event}" event is not one that this hub sends.')
    others = hub.db.rows("SELECT * FROM hooks WHERE repo_id = ? AND id <> ?", repo["id"], own)
    for row in others:
        if (row["url"], row["content_type"]) == (columns["url"], columns["content_type"]):
            raise _wrong("Hook already exists on this repository")
    for event in events:
        if sum(event in json.loads(row["events"]) for row in others) >= MOST:
            raise _wrong(f'The "{event}" event cannot have more than {MOST} hooks')
