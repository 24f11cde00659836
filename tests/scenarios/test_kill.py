"""`kill -9` at any point, then start: the same tree, the same files, nothing twice."""

from __future__ import annotations

import contextlib
from typing import Any

from bot.demo import outcome
from bot.demo.children import ChildDied

POINTS = [
    f"{phase}:{name}:1"
    for name in (
        "Vet", "ReadConfig", "RunPlanner", "FileIssue", "EnsureBranch", "LinkDependency", "RefreshStatus",
        "RunAttempt", "OpenPull", "UpdatePull", "WatchChecks", "Verify", "MarkReady", "BuildCandidate", "MoveBranch",
        "DeleteBranch", "RunJudge", "PrepareHead", "MergePull", "CloseIssue", "Say", "SetLabels", "turn-save",
    )
    for phase in ("before", "after")
]  # fmt: skip
GOALS = 12


def files(number: int) -> dict[str, str]:
    """Two modules of one goal; the second needs the first."""
    return {
        f"calc/one{number}.py": f"def one():\n    return {number}\n",
        f"calc/two{number}.py": f"from calc.one{number} import one\n\n\ndef two():\n    return 2 * one()\n",
    }


def test_a_crash_before_and_after_each_kind_of_effect(make_world: Any, kit: Any) -> None:
    target = dict(kit.base)
    roots = []
    for number in range(GOALS):
        target |= files(number)
        roots.append({"title": f"Goal {number}", "only": list(files(number))})
    world = make_world(target=target, script={"roots": roots, "max_files": 1})
    numbers: list[int] = []
    left = list(POINTS)
    port = int(world.stage.bot_url.rsplit(":", 1)[1])

    def restart(point: str | None) -> None:
        bot = world.stage.children[-1]
        bot.kill()
        world.stage.children.remove(bot)
        world.stage.cast = type(world.stage.cast)(
            **{**world.stage.cast.__dict__, "settings": {**world.stage.cast.settings, **crash(point)}}
        )
        world.stage.start_bot(port)

    def crash(point: str | None) -> dict[str, str]:
        return {"BRANCHWORK_CRASH": point or ""}

    restart(left[0])
    while left and len(numbers) < GOALS:
        number = world.open(f"Goal {len(numbers)}", "Two modules.")
        numbers.append(number)
        world.label(number)
        while world.issue(number)["state"] == "open" or busy(world):
            with contextlib.suppress(ChildDied):
                world.until(
                    lambda n=number: died(world) or (world.issue(n)["state"] == "closed" and not busy(world)), "x"
                )
            if died(world):
                left.pop(0)
                restart(left[0] if left else None)
            else:
                break
    assert not left, f"never reached: {left}"
    restart(None)
    for number in numbers:
        world.closed(number)
    came = {path: entry.data.decode() for path, entry in world.target().items()}
    for number in range(len(numbers)):
        for path, text in files(number).items():
            assert came[path] == text
    assert twice(world) == 0
    assert world.branches() == {"main"}


def died(world: Any) -> bool:
    try:
        world.stage.children[-1].check()
    except ChildDied:
        return True
    return False


def busy(world: Any) -> bool:
    waiting = world.status().get("counts", {}).get("outbox", {})
    return any(waiting.get(s) for s in ("pending", "started", "held"))


def twice(world: Any) -> int:
    found = outcome.read(world.ada)
    return int(
        outcome.count(found, [], world.status(), world.stage.stats(), [world.stage.signing_key], world.stage.repo_id)[
            "duplicates"
        ]
    )
