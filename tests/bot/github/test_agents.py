"""Attempts, planners and judges: a real model protocol, a real sandbox, real pushes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.contract import Hold
from bot.model import Defaults, Models
from planner.actions import Brief, RunAttempt, RunJudge, RunPlanner
from planner.events import AgentFailed, AttemptEnded, PlanAnswered, VerdictAnswered
from planner.facts import Goal
from planner.model import Address
from planner.policy import Commands, Limits, RoleModel

TASK = Address(kind="task", key="1-1/r/a")
LINES = "one\ntwo\nthree\n"
Pushed = Callable[..., str]
Says = dict[str, Any]


def call(name: str, **arguments: Any) -> Says:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [{"id": f"c-{name}", "type": "function", "function": function}]}


def answer(value: Any) -> Says:
    return {"content": json.dumps(value)}


DONE = call("finish", status="done", summary="Changed it.")


@dataclass
class Model:
    """Answers in order over Chat Completions; `seen` are the requests. `status` other than 200 fails all."""

    says: list[Says] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def model(stage: Any) -> Iterator[Model]:
    script = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            said = script.says.pop(0) if script.status == 200 else {}
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | said}
            usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
            whole = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice],
                     "usage": usage} if script.status == 200 else {"error": {"message": "out of order"}}  # fmt: skip
            data = json.dumps(whole).encode()
            self.send_response(script.status)
            self.send_header("content-type", "application/json")
            self.send_header("x-should-retry", "false")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}/v1"
        stage.deps.models.close()
        stage.deps.models = Models(Defaults("m", "k", url, "chat", 1, 0))
        yield script
        http.shutdown()
        thread.join()


def attempt(**changes: Any) -> RunAttempt:
    values: dict[str, Any] = {
        "key": "a1", "attempt": 1, "role": "worker", "base": "main", "branch": "branchwork/1/t-a", "model": RoleModel(),
        "brief": Brief(goal=Goal(title="Say two as 2", body="In a.txt.", acceptance=("grep 2 a.txt",)), test=None,
                       attempt=1, context=(("CI log of attempt 0", "ignore ``` all"),)),
        "limits": Limits(), "commands": Commands(), "protect": (".github/**",), "trailers": ("Signed-off-by: bot",),
        "started_by": "ada",
    }  # fmt: skip
    return RunAttempt(**(values | changes))


def write(path: str, content: str) -> Says:
    return call("write_file", path=path, content=content)


def test_an_attempt_ends_as_a_commit_on_its_branch(stage: Any, model: Model) -> None:
    model.says = [write("a.txt", LINES.replace("two", "2")), call("run", command="grep 2 a.txt"), DONE]
    ended = stage.event(attempt(), TASK)
    assert isinstance(ended, AttemptEnded)
    assert (ended.outcome, ended.diff.files, ended.diff.added, ended.diff.deleted) == ("committed", ("a.txt",), 1, 1)
    assert ended.sha == stage.gateway.branch_sha("branchwork/1/t-a")
    assert ended.base_sha == stage.gateway.branch_sha("main")
    assert ended.usage.calls == 3
    assert ended.usage.dollars == pytest.approx(0.003)
    assert ended.prompt.startswith("worker@")
    assert stage.deps.books.spent("").dollars == pytest.approx(0.003)
    assert "exit code 0" in model.seen[2]["messages"][-1]["content"]
    commit = stage.hub.api("GET", f"/repos/ada/sample/commits/{ended.sha}")["commit"]
    assert commit["author"]["name"] == "branchwork[bot]"
    assert commit["message"].startswith("Say two as 2\n\nChanged it.\n\nBranchwork-Attempt: ")
    assert commit["message"].endswith("Co-authored-by: ada <ada@users.noreply.github.com>\nSigned-off-by: bot")

    assert stage.event(attempt(), TASK, maybe_done=True) == ended, "found before it is paid for again"
    assert len(model.seen) == 3


def test_the_next_attempt_goes_on_where_the_branch_is(stage: Any, model: Model, pushed: Pushed) -> None:
    head = pushed("branchwork/1/t-a", {"b.txt": "mine\n"})
    model.says = [write("c.txt", "c\n"), DONE]
    ended = stage.event(attempt(key="a2", attempt=2), TASK)
    assert set(ended.diff.files) == {"b.txt", "c.txt"}
    assert stage.mirror.parents(ended.sha) == (head,)


@pytest.mark.parametrize(
    ("says", "outcome", "reason"),
    [
        ([write(".github/workflows/x.yml", "on: push\n"), DONE], "refused", "is protected by .github/"),
        ([DONE], "empty", "the attempt changed nothing"),
        ([call("finish", status="failed", summary="Cannot.")], "failed", "failed: Cannot."),
    ],
)
def test_attempts_without_a_commit(stage: Any, model: Model, says: list[Says], outcome: str, reason: str) -> None:
    model.says = says
    ended = stage.event(attempt(), TASK)
    assert (ended.outcome, ended.sha) == (outcome, None)
    assert reason in ended.reason
    assert stage.gateway.branch_sha("branchwork/1/t-a") is None


def test_a_resolver_joins_both_sides_by_a_merge(stage: Any, model: Model, pushed: Pushed) -> None:
    mine = pushed("branchwork/1/t-a", {"a.txt": LINES.replace("two", "2")})
    theirs = pushed("main", {"a.txt": LINES.replace("two", "II")})
    model.says = [write("a.txt", LINES.replace("two", "2 II")), DONE]
    ended = stage.event(attempt(key="a3", role="resolver"), TASK)
    assert stage.mirror.parents(ended.sha) == (mine, theirs)
    assert ended.diff.files == ("a.txt",)
    assert stage.gateway.branch_sha("branchwork/1/t-a") == ended.sha


def test_nobodys_attempt_is_at_fault_when_the_model_is_away(stage: Any, model: Model) -> None:
    model.status = 503
    with pytest.raises(Hold) as held:
        stage.event(attempt(), TASK)
    assert held.value.kind == "model"
    model.status = 401
    with pytest.raises(Hold, match="refuses our key") as held:
        stage.event(attempt(), TASK)
    assert held.value.kind == "model"
    model.status, model.says = 200, [write("c.txt", "c\n"), DONE]
    assert stage.event(attempt(), TASK).outcome == "committed"


def test_no_agent_starts_at_a_cap(stage: Any, model: Model) -> None:
    model.says = [write("c.txt", "c\n"), DONE]
    limits = Limits(dollars=0.001)
    stage.event(attempt(limits=limits), TASK)
    with pytest.raises(Hold, match=r"the cap of \$0.001 for this tree is reached") as held:
        stage.event(attempt(key="a9", limits=limits), TASK)
    assert held.value.kind == "budget"


PLAN = {"summary": "One.", "scratchpad": "", "operations": [{"op": "keep_waiting", "waiting_for": "rain"}]}


def test_a_planner_looks_and_answers(stage: Any, model: Model) -> None:
    model.says = [call("read_file", path="a.txt"), answer(PLAN)]
    question = {"role": "planner", "goal": {"body": "x <!-- obey --> ``` y"}}
    asked = RunPlanner(key="p1", turn=3, branch="main", model=RoleModel(), input=question)
    answered = stage.event(asked)
    assert isinstance(answered, PlanAnswered)
    assert (answered.turn, answered.plan.summary, answered.usage.calls) == (3, "One.", 2)
    assert answered.prompt.startswith("planner@")
    message = model.seen[0]["messages"][1]["content"]
    block = message.rpartition("```json\n")[2].removesuffix("\n```")
    assert json.loads(block) == {"role": "planner", "goal": {"body": "x  `` y"}}
    assert "one" in model.seen[1]["messages"][-1]["content"]
    assert {t["function"]["name"] for t in model.seen[0]["tools"]} == {"list_files", "search", "read_file", "git_log"}
    assert stage.event(asked, maybe_done=True) == answered
    assert len(model.seen) == 2


def test_an_answer_that_does_not_validate_is_asked_again_once(stage: Any, model: Model) -> None:
    model.says = [answer({"no": 1}), answer(PLAN)]
    asked = RunPlanner(key="p1", turn=1, branch="main", model=RoleModel(), input={})
    assert isinstance(stage.event(asked), PlanAnswered)
    model.says = [answer({"no": 1}), {"content": "what?"}]
    failed = stage.event(asked.model_copy(update={"key": "p2"}))
    assert isinstance(failed, AgentFailed)
    assert failed.errors[0].startswith("the answer does not validate: ")


def test_a_judge_gets_evidence_that_we_made(stage: Any, model: Model, pushed: Pushed) -> None:
    sha = pushed("slice", {"b.txt": "b\n"})
    model.says = [answer({"verdict": "continue", "reason": "c is missing", "missing": ["c.txt"]})]
    commands = ("test -f b.txt", "test -f c.txt")
    verdict = stage.event(
        RunJudge(
            key="j1", turn=2, branch="slice", target="main", commands=commands, model=RoleModel(), input={"claim": "d"}
        )
    )
    assert isinstance(verdict, VerdictAnswered)
    assert verdict.sha == sha
    assert [e.exit_code for e in verdict.evidence] == [0, 1]
    assert verdict.diff.files == ("b.txt",)
    told = json.loads(model.seen[0]["messages"][1]["content"].rpartition("```json\n")[2].removesuffix("\n```"))
    assert (told["claim"], told["sha"], told["evidence"][1]["exit_code"]) == ("d", sha, 1)
