"""The composition root: the only place where concrete things meet."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from bot import status
from bot.adapters import Meters, SignedMarks, StoreBooks
from bot.agent_settings import AgentSettings
from bot.agent_settings import load as load_agents
from bot.config import Settings
from bot.contract import HoldKind, PydanticCodec
from bot.engine.engine import Engine, Options
from bot.github.gateway import Gateways
from bot.intake import Door, Self
from bot.mirror import Identity, Mirror, clear_locks
from bot.model import Defaults, Models
from bot.perform import Deps, Performer, Timing
from bot.store import aggregates, records
from bot.store.database import Database
from bot.sweep import DEFAULT_LABEL, Sweep, Sweeper
from bot.web import Intake, create_app
from planner import actions, events
from planner.model import Address, Scope
from planner.node import Planner
from planner.step import STATES, step
from planner.view import PlannerView, view
from worker.sandbox import Sandbox
from worker.sandbox.bubblewrap import Bubblewrap
from worker.sandbox.selftest import selftest
from worker.workspace import Workspaces

log = structlog.get_logger("app")


@dataclass
class App:
    """Everything, built and not yet started."""

    settings: Settings
    database: Database
    engine: Engine
    gateways: Gateways
    models: Models
    sweeper: Sweeper
    web: Any

    def close(self) -> bool:
        """Stops what runs, and closes what is open; False when something would not stop in time."""
        self.sweeper.stop()
        stopped = self.engine.stop(self.settings.shutdown_seconds)
        self.models.close()
        self.gateways.close()
        self.database.close()
        return stopped


def codec() -> PydanticCodec:
    """Between the planner's values and the store."""

    def failed(action: Any, reason: str) -> events.Event:
        return events.ActionFailed(action_type=action.type, action_key=action.key, reason=reason)

    def held(reason: str, kind: HoldKind) -> events.Event:
        return events.ActionsHeld(cause=kind, reason=reason)

    def released(kind: HoldKind) -> events.Event:
        return events.ActionsReleased(cause=kind)

    return PydanticCodec(
        events=TypeAdapter(events.Event),
        actions=TypeAdapter(actions.Action),
        states=STATES,
        failed=failed,
        held=held,
        released=released,
    )


def sandbox(settings: Settings) -> Sandbox:
    """The sandbox of the settings, proven to hold. Raises `SandboxUnavailable` with what to do."""
    if settings.sandbox not in ("auto", "bubblewrap"):
        raise ValueError(
            f"BRANCHWORK_SANDBOX={settings.sandbox} is not built yet: set it to bubblewrap or leave it out"
        )
    made = Bubblewrap()
    selftest(made)
    return made


def mirrors(settings: Settings, gateways: Gateways, identity: Callable[[], Identity]) -> Callable[[Scope], Mirror]:
    """One mirror for each repository, made when it is first asked for. The URL is GitHub's own word."""
    known: dict[int, Mirror] = {}
    lock = threading.Lock()
    root = settings.data_dir.absolute() / "mirrors"

    def mirror(scope: Scope) -> Mirror:
        with lock:
            if scope.repo_id not in known:
                url = gateways.of(scope.installation, scope.repo).repository().clone_url
                root.mkdir(parents=True, exist_ok=True)
                known[scope.repo_id] = Mirror(
                    root / f"{scope.repo_id}.git",
                    url,
                    lambda write: gateways.git_token(scope.installation, scope.repo, write=write),
                    identity(),
                )
            return known[scope.repo_id]

    return mirror


def planner_view(database: Database) -> Callable[[str], PlannerView | None]:
    """Reads the newest state of a planner node."""

    def read(key: str) -> PlannerView | None:
        with database.read() as connection:
            row = aggregates.load(connection, Address(kind="planner", key=key))
        return view(Planner.model_validate_json(row.state)) if row is not None and row.state is not None else None

    return read


def build(settings: Settings, agents: AgentSettings, clock: Callable[[], float] = time.time) -> App:
    """Everything from the settings; starts nothing but the sandbox's self-test."""
    box = sandbox(settings)
    data_dir = Path(settings.data_dir).absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database())
    meters = Meters(database, clock)
    gateways = Gateways(
        settings.app_id,
        settings.private_key_pem(),
        settings.github_api_url,
        clock,
        meters.created,
        meters.on_request,
        meters.on_create,
    )

    def identity() -> Identity:
        slug = gateways.app().slug
        return Identity(f"{slug}[bot]", f"{settings.app_id}+{slug}[bot]@users.noreply.github.com")

    models = Models(_model_defaults(settings, agents))
    marks = SignedMarks(settings.signing_keys())
    workspaces = Workspaces(data_dir / "workspaces", box)
    workspaces.sweep()
    if database.is_sqlite:
        # SQLite means one process: a git that still holds one of these died with the last.
        clear_locks(data_dir / "mirrors")
    deps = Deps(
        gateways=gateways,
        mirrors=mirrors(settings, gateways, identity),
        workspaces=workspaces,
        sandbox=box,
        models=models,
        marks=marks,
        books=StoreBooks(database, clock),
        view=planner_view(database),
        data_dir=data_dir,
        identity=identity,
        clock=clock,
        pause=time.sleep,
        toolchain=agents.toolchain,
        min_free=settings.min_free_mb * 1024 * 1024,
        timing=Timing(ci_start=settings.ci_start_seconds, poll_last=settings.ci_poll_seconds),
    )
    decide = partial(step, status_s=settings.status_seconds)
    engine = Engine(database, codec(), decide, Performer(deps), Options(agents=settings.workers), clock=clock)
    labels: dict[int, frozenset[str]] = {}
    door = _door(database, engine, gateways, marks, labels)
    web = create_app(
        settings.webhook_secret.get_secret_value(), engine, door, _summary(database, meters), database.check
    )
    sweep = Sweep(gateways, door, _exists(database), lambda found: _apply(engine, found), labels)
    return App(settings, database, engine, gateways, models, Sweeper(sweep, settings.sweep_seconds), web)


def _model_defaults(settings: Settings, agents: AgentSettings) -> Defaults:
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    return Defaults(
        name=agents.model,
        api_key=key,
        base_url=settings.openai_base_url,
        api=agents.model_api,
        input_price=agents.model_input_price,
        output_price=agents.model_output_price,
    )


def _door(
    database: Database,
    engine: Engine,
    gateways: Gateways,
    marks: SignedMarks,
    labels: dict[int, frozenset[str]],
) -> Door:
    def me() -> Self:
        app = gateways.app()
        return Self(app.id, app.slug)

    def routes(repo_id: int, kind: str, value: str) -> Address | None:
        with database.read() as connection:
            return aggregates.route(connection, repo_id, kind, value)

    def wake(installation: int, sha: str) -> None:
        del installation
        engine.hurry("WatchChecks", f'"sha":"{sha}"')

    return Door(me, routes, marks.read, lambda repo: labels.get(repo, frozenset({DEFAULT_LABEL})), wake)


def _exists(database: Database) -> Callable[[Address], bool]:
    def exists(address: Address) -> bool:
        with database.read() as connection:
            return aggregates.load(connection, address) is not None

    return exists


def _apply(engine: Engine, found: Intake) -> None:
    if found.events or found.actions:
        engine.apply_external(found.events, found.actions)


def _summary(database: Database, meters: Meters) -> Callable[[], Mapping[str, Any]]:
    def summary() -> Mapping[str, Any]:
        with database.snapshot() as connection:
            views, counts = records.views(connection), records.counts(connection)
            troubles = records.troubles(connection)
        counted = {"github_requests": meters.requests, "content_writes": meters.writes}
        return status.summary(views, counts, troubles, counted)

    return summary


def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Prints one line with the address once it listens."""
    import uvicorn

    from bot.log import configure

    configure(settings.log_format, settings.log_level)
    # uvicorn raises a signal again once it has shut down: as an exception it lets us close the rest.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, _frame: sys.exit(0))
    app = build(settings, load_agents())
    try:
        app.engine.start()
        listener = socket.create_server((settings.host, settings.port), backlog=512)
        # After the door is open: a webhook that the sweep asks for again comes at once.
        app.sweeper.start()
        host, port = listener.getsockname()[:2]
        print(f"branchwork listening on http://{host}:{port}", flush=True)
        uvicorn.Server(uvicorn.Config(app.web, log_config=None, access_log=False)).run(sockets=[listener])
    finally:
        if not app.close():
            # An agent still runs in a thread that Python would wait for; what it did is redone from the outbox.
            os._exit(0)
