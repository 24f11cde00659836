"""`/_localhub`: what no GitHub has. Seeding, the clock, limits, faults, statistics, and what owners do on web pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import yaml
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from localhub import installing, notifications, repositories, seed
from localhub.clock import parse_iso
from localhub.errors import GitHubError, forbidden, invalid, not_found, sentences
from localhub.faults import FaultPlan
from localhub.http import reply
from localhub.hub import Hub
from localhub.seedfile import Seed


class ClockChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    advance: float | None = None
    set: str | None = None
    freeze: bool | None = None


class InstallationChange(BaseModel):
    """`action`: suspend, unsuspend, uninstall, permissions, repositories; `by` is a login, the account by default."""

    model_config = ConfigDict(extra="forbid")
    action: str
    by: str | None = None
    permissions: dict[str, str] | None = None
    events: list[str] | None = None
    add: list[str] = []
    remove: list[str] = []


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    repository: str
    new_owner: str


def own(request: Request) -> None:
    """403 for what a page of another site makes a browser send: these doors ask for no credentials."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise forbidden("This request was sent from another site's page.")


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter(prefix="/_localhub", dependencies=[Depends(own)])

    @api.get("/health")
    def health() -> Response:
        return reply({"ok": True, "now": hub.now()})

    @api.get("/quiet")
    def quiet() -> Response:
        pending = hub.pending()
        return reply({"quiet": not pending, "pending": pending})

    @api.post("/seed")
    async def plant(request: Request) -> Response:
        try:
            wanted = Seed.model_validate(yaml.safe_load(await request.body()) or {})
        except (yaml.YAMLError, ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise invalid(f"The seed is not understood: {sentences(error)}") from error
        return reply(seed.plant(hub, wanted), 201)

    @api.get("/clock")
    def clock() -> Response:
        return reply({"now": hub.clock.now().isoformat()})

    @api.post("/clock")
    def drive(change: ClockChange) -> Response:
        try:
            moment = parse_iso(change.set) if change.set is not None else None
            aim = (moment or hub.clock.now()) + timedelta(seconds=change.advance or 0)
        except (ValueError, OverflowError) as error:
            raise invalid(f"not a date: {change.set or change.advance}") from error
        if not 1971 <= aim.year < 9000:
            raise invalid("The clock goes from 1971 to 8999.")
        if moment is not None:
            hub.clock.set(moment)
        if change.freeze is not None:
            (hub.clock.freeze if change.freeze else hub.clock.thaw)()
        if change.advance is not None:
            hub.clock.advance(change.advance)
        hub.save_clock()
        return clock()

    @api.get("/limits")
    def limits() -> Response:
        return reply(hub.limits.settings.model_dump())

    @api.post("/limits")
    def change_limits(change: dict[str, Any]) -> Response:
        try:
            hub.limits.change(change)
        except ValidationError as error:
            raise invalid(f"The limits are not understood: {sentences(error)}") from error
        return limits()

    @api.delete("/limits/counts", status_code=204)
    def forget_counts() -> None:
        hub.limits.reset()

    @api.get("/faults")
    def faults() -> Response:
        return reply(hub.faults.state())

    @api.post("/faults")
    def change_faults(plan: FaultPlan) -> Response:
        hub.faults.set_plan(plan)
        return faults()

    @api.delete("/faults", status_code=204)
    def no_faults() -> None:
        hub.faults.set_plan(FaultPlan())

    @api.get("/stats")
    def stats() -> Response:
        return reply({
            "requests": dict(hub.stats),
            "created": hub.stats["created"],
            "notifications": notifications.statistics(hub),
            "deliveries": {
                row["event"]: row["n"]
                for row in hub.db.rows("SELECT event, COUNT(*) AS n FROM deliveries GROUP BY event ORDER BY event")
            },
        })  # fmt: skip

    _owners(api, hub)
    return api


def _owners(api: APIRouter, hub: Hub) -> None:
    """What owners of accounts do on GitHub's pages."""

    @api.post("/installations/{installation_id}")
    def change_installation(installation_id: int, change: InstallationChange) -> Response:
        row = hub.db.row("SELECT * FROM installations WHERE id = ?", installation_id)
        if row is None:
            raise not_found()
        by = seed.account(hub, change.by)["id"] if change.by else row["account_id"]
        match change.action:
            case "suspend":
                installing.suspend(hub, row, by=by)
            case "unsuspend":
                installing.unsuspend(hub, row, by=by)
            case "uninstall":
                installing.uninstall(hub, row, by=by)
            case "permissions":
                installing.change_permissions(hub, row, change.permissions or {}, change.events, by=by)
            case "repositories":
                add = [seed.repo_by_name(hub, name)["id"] for name in change.add]
                remove = [seed.repo_by_name(hub, name)["id"] for name in change.remove]
                installing.change_repositories(hub, row, add=add, remove=remove, by=by)
            case other:
                raise GitHubError(422, f"Unknown action {other!r}: {InstallationChange.__doc__}")
        return reply(None, 204)

    @api.post("/transfer")
    def transfer(change: Transfer) -> Response:
        repo = seed.repo_by_name(hub, change.repository)
        repositories.transfer(hub, repo, seed.account(hub, change.new_owner), by=repo["owner_id"])
        return reply(None, 204)

    @api.get("/avatars/{account_id}.svg")
    def avatar(account_id: int) -> Response:
        """A square in a colour of its own with the first letter."""
        row = hub.db.row("SELECT login FROM accounts WHERE id = ?", account_id)
        if row is None:
            raise not_found()
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" '
            f'fill="hsl({account_id * 47 % 360} 45% 45%)"/><text x="20" y="27" font-size="20" text-anchor="middle" '
            f'font-family="sans-serif" fill="#fff">{row["login"][0].upper()}</text></svg>'
        )
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})
