"""The loop over a real database and real DBOS, with toy steps and effects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from bot.contract import ActionRow, Delivery, GiveUp, Later, Performed
from bot.engine.engine import Engine, Options
from bot.store import aggregates, records
from bot.store.database import DatabaseError
from planner.model import Address, Step

A, B = Address(kind="task", key="a"), Address(kind="task", key="b")


def test_events_become_actions_and_results_become_events(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "fact-1", toy.Order(name="hello"))])
    toy.settle()
    assert toy.ledger.names() == ["hello"]
    assert toy.state(A).notes == ("did hello",)
    assert toy.counts()["actions"] == {"done": 1}


def test_a_long_chain_goes_through_many_aggregates(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "serve", toy.Ball(hops=60, nodes=5))])
    toy.settle()
    assert sum(toy.state(Address(kind="task", key=f"n{number}")).events for number in range(5)) == 60
    assert len(toy.ledger.lines()) == len(set(toy.ledger.lines())) == 30


def test_a_fact_and_a_delivery_count_once(toy: Any) -> None:
    engine = toy.engine()
    order = [(A, "fact-1", toy.Order(name="once"))]
    assert engine.apply_external(order, delivery=Delivery("guid-1", "issues"))
    assert not engine.apply_external(order, delivery=Delivery("guid-1", "issues"))
    assert engine.apply_external(order, delivery=Delivery("guid-2", "issues"))
    assert engine.apply_external(order)
    toy.settle()
    assert toy.state(A).events == 2, "the order and its result"
    assert toy.ledger.names() == ["once"]
    assert toy.counts()["deliveries"] == 2


def test_two_aggregates_may_hear_the_same_fact(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "fact", toy.Order(name="x")), (B, "fact", toy.Order(name="x"))])
    toy.settle()
    assert toy.ledger.names() == ["x", "x"]


def test_an_action_from_outside_is_done_once_and_needs_a_key(toy: Any) -> None:
    engine = toy.engine()
    action = toy.Write(key="refuse:1", name="refused")
    engine.apply_external(actions=[(A, toy.SCOPE, action)])
    engine.apply_external(actions=[(A, toy.SCOPE, action)])
    toy.settle()
    assert toy.ledger.lines() == ["refuse:1 refused"]
    with pytest.raises(ValueError, match="needs a key"):
        engine.apply_external(actions=[(A, toy.SCOPE, toy.Write(name="nameless"))])


def test_no_event_is_lost_or_counted_twice_when_many_arrive_at_once(toy: Any) -> None:
    engine = toy.engine()

    def send(number: int) -> None:
        engine.apply_external([(A, f"note-{number}", toy.Note(text=str(number)))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(80)))
    toy.settle()
    assert sorted(toy.state(A).notes, key=int) == [str(number) for number in range(80)]


def test_routes_are_saved_with_the_state(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "fact", toy.Note(text="x"))])
    toy.settle()
    with engine.database.read() as connection:
        assert aggregates.route(connection, 7, "issue", "0") == Address(kind="task", key="n0")
        assert aggregates.route(connection, 8, "issue", "0") is None


def test_a_delayed_action_waits_and_one_like_it_is_not_asked_for_twice(toy: Any) -> None:
    engine = toy.engine()
    for number in range(5):
        engine.apply_external([(A, f"fact-{number}", toy.Order(name="status", delay_s=0.3, coalesce="status-a"))])
    toy.settle()
    assert toy.ledger.names() == ["status"]
    engine.apply_external([(A, "fact-9", toy.Order(name="status", coalesce="status-a"))])
    toy.settle()
    assert toy.ledger.names() == ["status", "status"], "what was done is not waiting"


def test_later_looks_again_and_is_no_failure(toy: Any) -> None:
    looks: list[ActionRow] = []

    def perform(row: ActionRow) -> Performed:
        looks.append(row)
        if len(looks) < 6:
            raise Later(0.01)
        return Performed(((row.owner, "", toy.Note(text="settled")),))

    engine = toy.engine(perform)
    engine.apply_external([(A, "fact", toy.Order(name="watch"))])
    toy.settle()
    assert toy.state(A).notes == ("settled",)
    assert len(looks) == 6


def test_what_raises_is_tried_again_then_the_owner_is_told(toy: Any) -> None:
    seen: list[tuple[int, bool]] = []

    def perform(row: ActionRow) -> Performed:
        seen.append((row.attempts, row.maybe_done))
        raise OSError("no luck")

    engine = toy.engine(perform)
    engine.apply_external([(A, "fact", toy.Order(name="hopeless"))])
    toy.settle()
    assert seen == [(1, False), (2, True), (3, True)]
    assert toy.state(A).notes == ("failed hopeless: OSError: no luck (3 times)",)
    with engine.database.read() as connection:
        assert [one["type"] for one in records.troubles(connection)["failed"]] == ["Write"]


def test_giving_up_is_told_at_once(toy: Any) -> None:
    def perform(row: ActionRow) -> Performed:
        raise GiveUp("it is gone on GitHub")

    engine = toy.engine(perform)
    engine.apply_external([(A, "fact", toy.Order(name="edit"))])
    toy.settle()
    assert toy.state(A).notes == ("failed edit: it is gone on GitHub",)


def test_a_bug_in_a_step_parks_one_aggregate_and_a_restart_tries_it_again(toy: Any) -> None:
    engine = toy.engine()
    engine.apply_external([(A, "bug", toy.Explode()), (B, "fact", toy.Order(name="other"))])
    toy.until(lambda: bool(toy.troubles()["poisoned"]))
    toy.until(lambda: toy.ledger.names() == ["other"])
    assert "a bug in a step" in toy.troubles()["poisoned"][0]["error"]
    toy.stop(engine)

    def mended(address: Any, state: Any, events: tuple[Any, ...], now: float) -> Step[Any]:
        return toy.step(address, state, tuple(event for event in events if event.type != "explode"), now)

    toy.engine(step=mended)
    toy.settle()
    assert toy.troubles()["poisoned"] == []


def test_a_poller_is_hurried(toy: Any) -> None:
    looked, settled = threading.Event(), threading.Event()

    def perform(row: ActionRow) -> Performed:
        looked.set()
        if not settled.is_set():
            raise Later(3600)
        return Performed()

    engine = toy.engine(perform)
    engine.apply_external([(A, "fact", toy.Order(name="watch-abc"))])
    assert looked.wait(10)
    settled.set()
    toy.until(lambda: engine.hurry("Write", '"name":"watch-abc"'))
    assert not engine.hurry("Write", '"name":"other"')
    toy.settle()


def test_a_queue_runs_so_many_at_once(toy: Any) -> None:
    gate, lock = threading.Event(), threading.Lock()
    at_once: list[int] = [0, 0]

    def perform(row: ActionRow) -> Performed:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        gate.wait(5)
        with lock:
            at_once[0] -= 1
        return Performed()

    engine = toy.engine(perform, Options(agents=3))
    engine.apply_external([(A, f"f{number}", toy.Order(name=str(number), queue="agents")) for number in range(9)])
    toy.until(lambda: at_once[0] == 3)
    gate.set()
    toy.settle()
    assert at_once == [0, 3]


def test_a_restart_goes_on_with_what_was_running(toy: Any) -> None:
    gate = threading.Event()

    def stuck(row: ActionRow) -> Performed:
        toy.ledger.perform(row)
        gate.wait(20)
        raise OSError("the process is going away")

    engine = toy.engine(stuck)
    engine.apply_external([(A, "fact", toy.Order(name="long")), (A, "waits", toy.Order(name="next", delay_s=0.2))])
    toy.until(lambda: len(engine.running) == 1)
    assert not toy.stop(engine, timeout_s=0.01), "it says that something still ran"
    toy.engine()
    toy.until(lambda: toy.state(A).notes == ("did long", "did next"))
    gate.set()
    toy.settle()
    assert sorted(toy.ledger.names()) == ["long", "next"], "the second start found the first one's marker"


def test_what_everybody_forgot_is_found_by_the_sweep(toy: Any) -> None:
    engine = toy.engine()
    with engine.database.write() as connection:  # an event whose wake-up was lost
        aggregates.deliver(engine.database, connection, A, "lost", toy.codec.dump_event(toy.Order(name="found")), 1.0)
    toy.settle()
    assert toy.ledger.names() == ["found"]
    engine.apply_external([(A, "slow", toy.Order(name="orphan", delay_s=0.3))])
    toy.until(lambda: toy.counts()["actions"].get("pending") == 1)
    with engine.database.write() as connection:  # handed to DBOS, but DBOS knows nothing of it
        connection.execute(text("UPDATE outbox SET dispatched = 1.0, dispatches = 1 WHERE status = 'pending'"))
    toy.settle()
    assert toy.ledger.names() == ["found", "orphan"]


def test_finished_rows_of_dbos_are_deleted_and_nothing_is_done_again(toy: Any, quick: Callable[..., Options]) -> None:
    engine = toy.engine(options=quick(prune_s=0.2, keep_s=-5.0))
    engine.apply_external([(A, "fact", toy.Order(name="x"))])
    toy.settle()

    def rows() -> int:
        with engine.database.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM workflow_status")).scalar_one())

    toy.until(lambda: rows() == 0)
    engine.apply_external([(A, "fact", toy.Order(name="x"))])
    toy.settle()
    assert toy.ledger.names() == ["x"]


def test_one_process_for_one_sqlite_file(toy: Any) -> None:
    toy.engine()
    second = Engine(toy.database(), toy.codec, toy.step, toy.ledger.perform)
    with pytest.raises(DatabaseError, match="another Branchwork process uses"):
        second.start()


def test_readiness(toy: Any) -> None:
    engine = toy.engine()
    assert engine.ready
    toy.stop(engine)
    assert not engine.ready
