"""The replay model, driven over HTTP by the real client, as planners and workers in a plain folder would drive it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from pydantic import TypeAdapter

from bot.demo.model_server import create_app
from bot.demo.replay.partition import Replay
from bot.demo.replay.script import Script, load
from bot.demo.replay.trees import Entry, read_tree
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
SAMPLE = Path(__file__).parents[2] / "bot" / "demo" / "sample"


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


def put(root: Path, tree: dict[str, Entry]) -> Path:
    root.mkdir()
    for path, entry in tree.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == "120000":
            at.symlink_to(os.fsdecode(entry.data))
        else:
            at.write_bytes(entry.data)
            at.chmod(0o755 if entry.mode == "100755" else 0o644)
    return root


def text(lines: int, seed: str) -> Entry:
    return Entry("100644", "".join(f"{seed} {n}\n" for n in range(lines)).encode())


def test_any_change_comes_out_byte_equal(tmp_path: Path) -> None:
    long = [f"line {n}\n" for n in range(900)]
    other = [f"changed {n}\n" if n % 3 == 0 else line for n, line in enumerate(long)]
    base = {
        "README.md": Entry("100644", b"one\ntwo\n"),
        "CHANGES.txt": Entry("100644", "".join(long).encode()),
        "pkg/__init__.py": Entry("100644", b""),
        "pkg/old.py": Entry("100644", b"X = 1\n"),
        "pkg/user.py": Entry("100644", b"from pkg import old\n"),
        "pkg/script.sh": Entry("100644", b"#!/bin/sh\necho hi\n"),
        "pkg/dos.txt": Entry("100644", b"a\r\nb\r\n"),
        "pkg/data.bin": Entry("100644", bytes(range(256)) * 20),
        "was-file": Entry("100644", b"x"),
        "was-link": Entry("120000", b"README.md"),
        "same.txt": Entry("100644", b"same"),
    }
    target = {
        "README.md": Entry("100644", b"one\ntwo and a half\nthree"),
        "CHANGES.txt": Entry("100644", "".join(other).encode()),
        "pkg/__init__.py": Entry("100644", b""),
        "pkg/user.py": Entry("100644", b"from pkg import new\n"),
        "pkg/new.py": Entry("100644", b"Y = '\xc3\xa9'\n"),
        "pkg/tests/test_new.py": Entry("100644", b"from pkg.new import Y\n"),
        "pkg/script.sh": Entry("100755", b"#!/bin/sh\necho hi\n"),
        "pkg/dos.txt": Entry("100644", b"a\r\nb\rc\r\n"),
        "pkg/data.bin": Entry("100755", bytes(reversed(range(256))) * 700),
        "pkg/latin.txt": Entry("100644", b"caf\xe9\n"),
        "empty": Entry("100644", b""),
        "was-file/inside.txt": Entry("100644", b"y"),
        "was-link": Entry("100644", b"now a file\n"),
        "a link": Entry("120000", b"pkg/new.py"),
        "it's odd & new.txt": Entry("100644", b"\n\n"),
        "same.txt": Entry("100644", b"same"),
    }
    root = put(tmp_path / "work", base)
    with serving(Replay(base, target, Script(max_lines=120, max_tasks=3))) as client:
        tree = Tree(client, root, None, random.Random(1))
        tree.plan({"title": "Go to the target", "body": "", "acceptance": [], "paths": [], "forbidden": []})
    assert read_tree(root) == target
    assert tree.planners > 2
    assert len({t.id for t in tree.tasks if "CHANGES.txt" in t.paths}) > 1


@pytest.mark.parametrize("max_depth", [1, 3])
def test_a_large_change_is_split_as_deep_as_allowed(tmp_path: Path, max_depth: int) -> None:
    target = {f"src/{'ab'[n % 2]}/m{n}.py": Entry("100644", f"N = {n}\n".encode() * 40) for n in range(30)}
    root = put(tmp_path / "work", {})
    with serving(Replay({}, target, Script(max_lines=50, max_tasks=4))) as client:
        tree = Tree(client, root, None, random.Random(2))
        goal = {"title": "Build it", "body": "", "acceptance": [], "paths": [], "forbidden": []}
        tree.plan(goal, max_depth=max_depth)
    assert read_tree(root) == target
    assert tree.depth <= max_depth
    assert (tree.planners > 1) == (max_depth > 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sample_comes_out_equal_with_green_steps(tmp_path: Path, seed: int) -> None:
    base, target = read_tree(SAMPLE / "base"), read_tree(SAMPLE / "target")
    script = load(SAMPLE / "script.yml")
    root = put(tmp_path / "work", base)
    tests = "python3 -m unittest discover -q -s tests"
    with serving(Replay(base, target, script)) as client:
        tree = Redirected(client, root, tests, random.Random(seed))
        tree.mistakes = True
        tree.words = script.redirects[0].when

        def green(task: AddTask) -> None:
            done = subprocess.run(tests, shell=True, cwd=root, capture_output=True, text=True)
            assert done.returncode == 0, (task.title, done.stderr)

        tree.after_each = green
        for issue in ("root.md", "tiny.md"):
            title, _, body = (SAMPLE / "issues" / issue).read_text().partition("\n")
            tree.plan({"title": title.removeprefix("# "), "body": body, "acceptance": [tests], "paths": []})
    subprocess.run(["find", root, "-name", "__pycache__", "-exec", "rm", "-r", "{}", "+"], check=True)
    assert read_tree(root) == target
    assert tree.planners == 4
    assert len(tree.tasks) >= 9


class Redirected(Tree):
    """With a person who redirects the planner that the script means, on its first turn."""

    words = ""

    def person(self, turn: int, goal: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"what": "redirect", "by": "ada", "comment": 1, "words": self.words}] if turn == 1 else []


def test_what_is_not_understood_is_400_with_the_reason() -> None:
    tree = {"a": text(3, "a")}
    message = "Hi.\n```json\n{}\n```"
    with serving(Replay({}, tree, Script())) as client:
        for say, wanted in (
            ("hello", "must end with one fenced"),
            (message, "role is None"),
            (message.replace("{}", '{"role": "planner", "goal": {"title": "x"}}'), "must declare these tools"),
        ):
            with pytest.raises(openai.BadRequestError, match=wanted):
                client.responses.create(model="replay", input=say)
            with pytest.raises(openai.BadRequestError, match=wanted):
                client.chat.completions.create(model="replay", messages=[{"role": "user", "content": say}])
        with pytest.raises(openai.BadRequestError, match="only functions"):
            client.responses.create(model="replay", input=message, tools=[{"type": "web_search"}])
        with pytest.raises(openai.NotFoundError):
            client.embeddings.create(model="replay", input="x")
        assert [m.id for m in client.models.list()] == ["replay"]


def test_streams_say_the_same_as_whole_answers() -> None:
    told = {"role": "planner", "turn": 2, "goal": {"title": "x"}, "children": [], "news": []}
    message = f"In:\n```json\n{json.dumps(told)}\n```"
    tools: Any = [
        {"type": "function", "name": n, "parameters": TOOLS[n].model_json_schema(), "strict": False} for n in READING
    ]
    chat_tools: Any = [{"type": "function", "function": {k: v for k, v in t.items() if k != "type"}} for t in tools]
    messages: Any = [{"role": "user", "content": message}]
    with serving(Replay({}, {"a": text(3, "a")}, Script())) as client:
        whole = client.responses.create(model="replay", input=message, tools=tools)
        with client.responses.stream(model="replay", input=message, tools=tools) as stream:
            streamed = stream.get_final_response()
        assert streamed.output_text == whole.output_text
        TypeAdapter(Plan).validate_json(whole.output_text)
        chat = client.chat.completions.create(model="replay", messages=messages, tools=chat_tools)
        assert chat.choices[0].message.content == whole.output_text
        with client.chat.completions.stream(model="replay", messages=messages, tools=chat_tools) as chunks:
            assert chunks.get_final_completion().choices[0].message.content == whole.output_text
        first = json.dumps({**told, "turn": 1})
        asked = client.responses.create(model="replay", input=f"In:\n```json\n{first}\n```", tools=tools)
        assert [item.type for item in asked.output] == ["function_call"]
        with client.responses.stream(model="replay", input=f"In:\n```json\n{first}\n```", tools=tools) as stream:
            got = stream.get_final_response().output[0]
            assert got.type == "function_call"
            assert got.arguments == '{"path": "."}'
