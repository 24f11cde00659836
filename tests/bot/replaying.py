"""The replay model on a port, and planners and workers in a plain folder that drive it with the real client."""

from __future__ import annotations

import json
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import uvicorn

from bot.demo.model_server import create_app
from bot.demo.replay.partition import Replay
from bot.demo.replay.trees import read_tree
from planner.judge import Verdict
from planner.plan import AddSubplanner, AddTask, Cancel, Change, ClaimDone, Known, Plan, problems
from worker.files import Files
from worker.patch import apply
from worker.task import Report
from worker.tools import ApplyPatch, DeleteFile, ListFiles, ReadFile, Run, WriteFile

TOOLS = {
    "list_files": ListFiles,
    "read_file": ReadFile,
    "write_file": WriteFile,
    "apply_patch": ApplyPatch,
    "delete_file": DeleteFile,
    "run": Run,
    "finish": Report,
}


@contextmanager
def serving(replay: Replay) -> Iterator[openai.OpenAI]:
    server = uvicorn.Server(uvicorn.Config(create_app(replay), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


class Hands:
    """The tools, in a plain folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, Files(root)

    def __call__(self, name: str, arguments: str) -> str:
        said = TOOLS[name].model_validate_json(arguments)
        match said:
            case ListFiles():
                return "\n".join(read_tree(self.root))
            case ReadFile():
                data = self.files.read(said.path)
                assert data is not None, said.path
                return data.decode("utf-8", "replace")
            case WriteFile():
                self.files.write(said.path, said.content.encode(), executable=said.executable)
            case ApplyPatch():
                for path, text in apply(said.patch, self._text).items():
                    assert text is not None
                    self.files.write(path, text.encode())
            case DeleteFile():
                self.files.delete(said.path)
            case Run():
                done = subprocess.run(said.command, shell=True, cwd=self.root, capture_output=True, text=True)
                return f"[exit code {done.returncode}, 0.1 s]\n{done.stdout}{done.stderr}"
        return "done"

    def _text(self, path: str) -> str | None:
        data = self.files.read(path)
        return None if data is None else data.decode()


def converse(client: openai.OpenAI, told: dict[str, Any], hands: Hands, names: tuple[str, ...], answer: Any) -> str:
    """Until a final text, or the arguments of `finish`."""
    message = f"Your input:\n\n```json\n{json.dumps(told)}\n```"
    items: list[Any] = [{"role": "user", "content": message}]
    tools: Any = [
        {"type": "function", "name": n, "parameters": TOOLS[n].model_json_schema(), "strict": False} for n in names
    ]
    text: Any = {"format": {"type": "json_schema", "name": "answer", "schema": answer.model_json_schema()}}
    for _ in range(100):
        got = client.responses.create(
            model="replay", instructions="Play.", input=items, tools=tools, text=text if answer is not Report else {}
        )
        calls = [item for item in got.output if item.type == "function_call"]
        assert got.usage is not None
        assert got.usage.input_tokens > got.usage.input_tokens_details.cached_tokens >= 0
        if not calls:
            return got.output_text
        for call in calls:
            items.append({"type": "function_call", "call_id": call.call_id, "name": call.name,
                          "arguments": call.arguments})  # fmt: skip
            if call.name == "finish":
                return call.arguments
            items.append({"type": "function_call_output", "call_id": call.call_id,
                          "output": hands(call.name, call.arguments)})  # fmt: skip
    raise AssertionError("the model does not come to an end")


WRITING = ("list_files", "read_file", "write_file", "apply_patch", "delete_file", "run", "finish")
READING = ("list_files", "read_file")


class Tree:
    """A planner tree without GitHub: children land one by one, in any order that the dependencies allow."""

    def __init__(self, client: openai.OpenAI, root: Path, tests: str | None, order: random.Random) -> None:
        self.client, self.hands, self.tests, self.order = client, Hands(root), tests, order
        self.tasks: list[AddTask] = []
        self.planners = 0
        self.depth = 0
        self.mistakes = False
        self.after_each: Callable[[AddTask], None] = lambda task: None

    def plan(self, goal: dict[str, Any], depth: int = 1, max_depth: int = 4) -> None:
        children: dict[str, dict[str, Any]] = {}
        open_ops: dict[str, AddTask | AddSubplanner] = {}
        pad, news = "", [{"what": "begin"}]
        self.planners += 1
        self.depth = max(self.depth, depth)
        for turn in range(1, 1000):
            told = {"role": "planner", "turn": turn, "depth": depth, "may_add_subplanners": depth < max_depth,
                    "goal": goal, "scratchpad": pad, "children": list(children.values()), "news": news,
                    "tests": self.tests, "limits": {}}  # fmt: skip
            plan = Plan.model_validate_json(converse(self.client, told, self.hands, READING, Plan))
            known = {
                k: Known(id=k, title=c["title"], paths=tuple(c["paths"]), depends_on=(), ended=c["state"] != "waiting")
                for k, c in children.items()
            }
            assert problems(plan, known, depth=depth, max_depth=max_depth) == ()
            pad, news = plan.scratchpad, []
            for op in plan.operations:
                match op:
                    case AddTask() | AddSubplanner():
                        open_ops[op.id] = op
                        children[op.id] = {"id": op.id, "kind": "task" if isinstance(op, AddTask) else "planner",
                                           "title": op.title, "state": "waiting", "paths": list(op.paths)}  # fmt: skip
                    case Cancel():
                        del open_ops[op.id]
                        children[op.id]["state"] = "cancelled"
                    case ClaimDone(evidence=evidence):
                        verdict = self.judge(goal, evidence, list(children.values()))
                        if verdict.verdict == "done":
                            return
                        news.append({"what": "verdict", **verdict.model_dump(mode="json")})
                    case Change():
                        raise AssertionError("nothing failed")
            news += self.one(open_ops, children, depth, max_depth)
            news += self.person(turn, goal)
        raise AssertionError("the planner does not come to an end")

    def person(self, turn: int, goal: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def one(self, open_ops: dict[str, Any], children: Any, depth: int, max_depth: int) -> list[dict[str, Any]]:
        ready = sorted(k for k, op in open_ops.items() if all(n not in open_ops for n in op.depends_on))
        if not ready:
            return []
        chosen = open_ops[self.order.choice(ready)]
        if isinstance(chosen, AddTask):
            self.work(chosen)
            state = "landed"
        else:
            goal = {"title": chosen.title, "body": chosen.goal, "acceptance": list(chosen.acceptance),
                    "paths": list(chosen.paths), "forbidden": []}  # fmt: skip
            self.plan(goal, depth + 1, max_depth)
            state = "done"
        del open_ops[chosen.id]
        children[chosen.id]["state"] = state
        return [{"what": "child", "id": chosen.id, "state": state}]

    def judge(self, goal: dict[str, Any], claim: str, children: list[Any]) -> Verdict:
        told = {"role": "judge", "goal": goal, "claim": claim, "children": children, "evidence": [], "diff": {},
                "sha": "0" * 40}  # fmt: skip
        return Verdict.model_validate_json(converse(self.client, told, self.hands, READING, Verdict))

    def work(self, task: AddTask) -> None:
        self.tasks.append(task)
        again = ["## CI failed on abc\n", "## Review comments to answer\nCI failed on"] if self.mistakes else []
        for attempt, context in enumerate(["", *again], 1):
            told = {"role": "worker", "goal": f"{task.title}\n\n{task.goal}", "acceptance": [], "paths": task.paths,
                    "context": context, "attempt": attempt, "test_command": None}  # fmt: skip
            report = Report.model_validate_json(converse(self.client, told, self.hands, WRITING, Report))
            assert report.status == "done", report
            assert not report.concerns
        for command in task.acceptance:
            done = subprocess.run(command, shell=True, cwd=self.hands.root, capture_output=True, text=True)
            assert done.returncode == 0, (task.title, command, done.stderr)
        self.after_each(task)
