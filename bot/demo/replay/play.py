"""Which part a request asks for."""

from __future__ import annotations

from bot.demo.replay.conversation import Answer, Conversation, NotUnderstood, perform
from bot.demo.replay.judge import judge
from bot.demo.replay.partition import Replay
from bot.demo.replay.planner import plan
from bot.demo.replay.worker import work

WRITING = ("run", "write_file", "apply_patch", "delete_file", "read_file", "finish")
READING = ("list_files", "read_file")


def answer(replay: Replay, talk: Conversation) -> Answer:
    """The next thing this model says; raises `NotUnderstood` for what it cannot play."""
    role = talk.brief.get("role")
    match role:
        case "planner":
            _needs(talk, READING)
            found = perform(plan(replay, talk), talk)
        case "judge":
            _needs(talk, READING)
            found = perform(judge(replay, talk), talk)
        case "worker" | "resolver":
            _needs(talk, WRITING)
            found = perform(work(replay, talk), talk)
        case _:
            raise NotUnderstood(f"role is {role!r}; this model plays planner, judge, worker and resolver")
    unknown = [call.name for call in found.calls if call.name not in talk.tools]
    if unknown:
        raise NotUnderstood(f"the request declares no tool {unknown[0]!r}")
    return found


def _needs(talk: Conversation, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in talk.tools]
    if missing:
        raise NotUnderstood(f"the request must declare these tools too: {', '.join(missing)}")
