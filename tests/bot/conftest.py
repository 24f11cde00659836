"""A toy world for the engine: counters that pass balls to each other, and effects that are lines in a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, TypeAdapter

from bot.contract import ActionRow, External, Performed, PerformFunction, PydanticCodec, StepFunction
from bot.engine.carry import Patience
from bot.engine.engine import Engine, Options
from bot.engine.sweep import Rhythm
from bot.store import records
from bot.store.database import Database
from planner.model import Address, AggregateKind, Route, Scope, Send, Step, Value

SCOPE = Scope(installation=1, repo_id=7, repo="o/r", root=1, tree="7-1")
TREE = Address(kind="tree", key="7-1")


def task(name: str) -> Address:
    return Address(kind="task", key=name)


class Ball(Value):
    """Passed on `hops` times, from node to node."""

    type: Literal["ball"] = "ball"
    hops: int
    nodes: int = 1


class Order(Value):
    """Asks the node for an action."""

    type: Literal["order"] = "order"
    name: str
    queue: Literal["github", "agents"] = "github"
    delay_s: float = 0
    coalesce: str | None = None


class Note(Value):
    """What an effect or the engine tells."""

    type: Literal["note"] = "note"
    text: str


class Explode(Value):
    type: Literal["explode"] = "explode"


class Write(Value):
    """The toy effect."""

    queue: ClassVar[str] = "github"
    type: Literal["write"] = "write"
    key: str = ""
    coalesce: str | None = None
    delay_s: float = 0
    name: str
    hops: int = -1
    nodes: int = 1


class Think(Write):
    queue: ClassVar[str] = "agents"
    type: Literal["think"] = "think"  # type: ignore[assignment]


class Counter(Value):
    scope: Scope = SCOPE
    events: int = 0
    notes: tuple[str, ...] = ()
    last: float = 0


ToyEvent = Annotated[Ball | Order | Note | Explode, Field(discriminator="type")]
ToyAction = Annotated[Write | Think, Field(discriminator="type")]


def toy_codec() -> PydanticCodec:
    kinds: tuple[AggregateKind, ...] = ("planner", "task", "tree", "train", "installation")
    return PydanticCodec(
        events=TypeAdapter(ToyEvent),
        actions=TypeAdapter(ToyAction),
        states=dict.fromkeys(kinds, Counter),
        failed=lambda action, reason: Note(text=f"failed {action.name}: {reason}"),
        held=lambda reason, kind: Note(text=f"held {kind}: {reason}"),
        released=lambda kind: Note(text=f"released {kind}"),
    )


def toy_step(address: Address, state: Counter | None, events: tuple[Any, ...], now: float) -> Step[Counter]:
    """Counts what comes, passes balls on through an action or directly, and explodes when told to."""
    state = state or Counter()
    actions: list[Any] = []
    sends: list[Send] = []
    notes = list(state.notes)
    for event in events:
        match event:
            case Ball(hops=hops, nodes=nodes) if hops > 0 and hops % 2:
                sends.append(Send(to=task(f"n{hops % nodes}"), event=Ball(hops=hops - 1, nodes=nodes)))
            case Ball(hops=hops, nodes=nodes) if hops > 0:
                actions.append(Write(name=f"ball-{hops}", hops=hops - 1, nodes=nodes))
            case Order(queue="agents"):
                actions.append(Think(name=event.name, delay_s=event.delay_s, coalesce=event.coalesce))
            case Order():
                actions.append(Write(name=event.name, delay_s=event.delay_s, coalesce=event.coalesce))
            case Note(text=text):
                notes.append(text)
            case Explode():
                raise RuntimeError("a bug in a step")
    routes = (Route(kind="issue", value=str(state.events), to=task("n0")),) if address.kind == "task" else ()
    after = Counter(events=state.events + len(events), notes=tuple(notes), last=now)
    return Step(after, tuple(actions), tuple(sends), routes)


class Ledger:
    """Effects as lines of a file: they outlive a killed process, as GitHub does. A line is found by its marker."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def names(self) -> list[str]:
        """Names of the actions that had an effect, in order."""
        return [line.rpartition(" ")[2] for line in self.lines()]

    def perform(self, row: ActionRow) -> Performed:
        done = f"{row.key} {row.action.name}"
        if not (row.maybe_done and done in self.lines()):
            with self.path.open("a") as file:
                file.write(done + "\n")
        if row.action.hops < 0:
            return Performed(((row.owner, "", Note(text=f"did {row.action.name}")),))
        to = task(f"n{row.action.hops % row.action.nodes}")
        return Performed(((to, "", Ball(hops=row.action.hops, nodes=row.action.nodes)),))


def quick_options(**rhythm: float) -> Options:
    """Impatient, so that tests need not wait."""
    rhythm = {"sweep_s": 0.2, "forgotten_s": 0.3, "prune_s": 60.0, **rhythm}
    patience = Patience(failures=3, first_s=0.02, longest_s=0.1)
    return Options(patience=patience, rhythm=Rhythm(**rhythm), poll_s=0.5, lease_s=2.0)


@pytest.fixture
def quick() -> Callable[..., Options]:
    return quick_options


def until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Looks until it is so; the wait is bounded, and fails loudly."""
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come to be in time"
        pause.wait(0.005)


def opening(hops: int) -> list[External]:
    """A ball that travels, and three orders of different kinds."""
    return [
        (task("n0"), "serve", Ball(hops=hops, nodes=3)),
        (task("n0"), "o1", Order(name="plan")),
        (task("n0"), "o2", Order(name="think", queue="agents")),
        (task("n0"), "o3", Order(name="say", delay_s=0.1)),
    ]


@dataclass
class Toy:
    """Databases and engines of one test; closes them all."""

    Ball, Order, Note, Explode, Write, Think = Ball, Order, Note, Explode, Write, Think
    SCOPE, TREE = SCOPE, TREE
    until = staticmethod(until)
    step = staticmethod(toy_step)
    opening = staticmethod(opening)

    url: str
    ledger: Ledger
    codec: PydanticCodec = field(default_factory=toy_codec)
    engines: list[Engine] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)

    def database(self) -> Database:
        made = Database(self.url)
        self.databases.append(made)
        return made

    def engine(
        self, perform: PerformFunction | None = None, options: Options | None = None, step: StepFunction = toy_step
    ) -> Engine:
        """A started engine over this test's database."""
        engine = Engine(self.database(), self.codec, step, perform or self.ledger.perform, options or quick_options())
        self.engines.append(engine)
        engine.start()
        return engine

    def stop(self, engine: Engine, timeout_s: float = 5.0) -> bool:
        self.engines.remove(engine)
        return engine.stop(timeout_s)

    def state(self, address: Address) -> Counter:
        with self.databases[-1].read() as connection:
            for view in records.views(connection, kind=address.kind):
                if view.key == address.key and view.state is not None:
                    return Counter.model_validate_json(view.state)
        return Counter()

    def counts(self) -> dict[str, Any]:
        with self.databases[-1].snapshot() as connection:
            return records.counts(connection)

    def troubles(self) -> dict[str, Any]:
        with self.databases[-1].read() as connection:
            return records.troubles(connection)

    def idle(self) -> bool:
        counts = self.counts()
        return counts["unconsumed"] == 0 and not {"pending", "started", "held"} & set(counts["actions"])

    def settle(self) -> None:
        """Until nothing is left to do."""
        until(self.idle)

    def close(self) -> None:
        for engine in list(self.engines):
            engine.stop()
        for database in self.databases:
            database.close()


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    made = Toy(f"sqlite:///{tmp_path}/toy.db", Ledger(tmp_path / "effects"))
    yield made
    made.close()
