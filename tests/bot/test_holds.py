"""Holds: something outside stops actions; one of them probes, the others wait, and their tree is told once."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import text

from bot.contract import ActionRow, Hold, Performed
from planner.model import Address

A = Address(kind="task", key="a")


class Outside:
    """Something that can be away; counts how often it is asked."""

    def __init__(self, toy: Any) -> None:
        self.away = True
        self.asked: list[str] = []
        self._toy = toy

    def perform(self, row: ActionRow) -> Performed:
        self.asked.append(row.action.name)
        if self.away:
            raise Hold("the model server does not answer", "model")
        performed: Performed = self._toy.ledger.perform(row)
        return performed


def test_one_held_action_probes_and_the_others_wait(toy: Any) -> None:
    outside = Outside(toy)
    engine = toy.engine(outside.perform)
    engine.apply_external([(A, "first", toy.Order(name="first"))])
    toy.until(lambda: outside.asked.count("first") >= 2)
    engine.apply_external([(A, f"fact-{number}", toy.Order(name=f"more-{number}")) for number in range(20)])
    toy.until(lambda: toy.counts()["actions"].get("held") == 21)
    asked = len(outside.asked)
    toy.until(lambda: len(outside.asked) >= asked + 3)
    with engine.database.write() as connection:
        tries = connection.execute(text("SELECT tries FROM holds")).scalar_one()
        assert len(outside.asked) - tries in (0, 1), "each try was the probe of the moment"
    assert len(set(outside.asked)) > 1, "the probe is handed on: it may fail for a reason of its own"
    assert toy.state(toy.TREE).notes == ("held model: the model server does not answer",)
    outside.away = False
    toy.settle()
    assert sorted(toy.ledger.names()) == sorted(["first", *(f"more-{number}" for number in range(20))])
    assert toy.state(toy.TREE).notes[1:] == ("released model",)
    assert toy.counts()["holds"] == []


def test_one_that_is_held_for_a_reason_of_its_own_does_not_stop_the_others(toy: Any) -> None:
    def perform(row: ActionRow) -> Performed:
        if row.action.name == "odd":
            raise Hold("this one page answers 502", "github")
        performed: Performed = toy.ledger.perform(row)
        return performed

    engine = toy.engine(perform)
    engine.apply_external([(A, "odd", toy.Order(name="odd"))])
    toy.until(lambda: toy.counts()["actions"].get("held") == 1)
    engine.apply_external([(A, f"fact-{number}", toy.Order(name=f"o{number}")) for number in range(5)])
    toy.until(lambda: len(toy.ledger.names()) == 5)


def test_a_hold_survives_a_restart(toy: Any) -> None:
    outside = Outside(toy)
    engine = toy.engine(outside.perform)
    engine.apply_external([(A, "first", toy.Order(name="first"))])
    toy.until(lambda: toy.counts()["actions"].get("held") == 1)
    toy.stop(engine)
    outside.away = False
    toy.engine(outside.perform)
    toy.settle()
    assert toy.state(toy.TREE).notes == ("held model: the model server does not answer", "released model")


def test_held_actions_honour_retry_after_until_somebody_says_that_it_is_over(toy: Any) -> None:
    suspended = threading.Event()
    suspended.set()

    def perform(row: ActionRow) -> Performed:
        if suspended.is_set():
            raise Hold("suspended", "suspended", retry_after=3600)
        performed: Performed = toy.ledger.perform(row)
        return performed

    engine = toy.engine(perform)
    engine.apply_external([(A, "fact", toy.Order(name="x"))])
    toy.until(lambda: toy.counts()["actions"].get("held") == 1)
    suspended.clear()
    assert engine.retry_held(1, "suspended")
    toy.settle()
    assert not engine.retry_held(1, "suspended")
