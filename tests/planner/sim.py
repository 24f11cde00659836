"""A whole tree in memory: the five steps driven against a small model of GitHub, CI, workers and people."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from planner import actions as a
from planner import events as e
from planner.events import Event
from planner.facts import CheckFailure, CommandResult, Diffstat, Report, Usage
from planner.judge import Verdict
from planner.keys import target_train, tree_key
from planner.model import Address, Person, Scope
from planner.plan import Plan
from planner.policy import Merge, RepoConfig
from planner.step import State, step

ALICE = Person(login="alice", id=1, permission="admin")
MALLORY = Person(login="mallory", id=9, permission="read")
EVENT: TypeAdapter[Any] = TypeAdapter(Event)
ACTION: TypeAdapter[Any] = TypeAdapter(a.Action)


class Sim:
    """Aggregates with inboxes; `perform` is a model of everything outside. Order is drawn from a seeded generator."""

    def __init__(self, seed: int = 0, config: RepoConfig | None = None) -> None:
        self.random = random.Random(seed)
        self.config = config or RepoConfig(merge=Merge(who="when_green"), approve="never")
        self.states: dict[Address, State] = {}
        self.inbox: dict[Address, deque[Event]] = {}
        self.todo: list[tuple[Address, Any]] = []
        self.done: list[tuple[Address, Any]] = []
        self.keys: set[str] = set()
        self.issues: dict[int, dict[str, Any]] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.branches: dict[str, str] = {"main": "main0"}
        self.routes: dict[tuple[str, str], Address] = {}
        self.comments: list[tuple[int, str]] = []
        self.number = 1
        self.sha = 0
        self.plans: Callable[[dict[str, Any]], dict[str, Any]] = lambda _input: {}
        self.verdicts: Callable[[dict[str, Any]], Verdict] = lambda _input: Verdict(verdict="done", reason="ok")
        self.attempts: Callable[[a.RunAttempt], e.AttemptEnded | None] = lambda _action: None
        self.ci: Callable[[str, Any], str] = lambda _sha, _action: "green"
        self.verify: Callable[[a.Verify], bool] = lambda _action: True
        self.conflicting: set[str] = set()
        self.blocked: set[str] = set()
        """Tasks whose pull requests conflict before CI can begin."""
        self.candidate_items: dict[str, tuple[str, ...]] = {}
        self.candidate_pulls: dict[str, tuple[int, ...]] = {}

    # ── the outside world ──

    def label(self, by: Person = ALICE) -> Address:
        scope = Scope(installation=1, repo_id=5, repo="o/r", root=1, tree=tree_key(5, 1))
        tree = Address(kind="tree", key=scope.tree)
        self.issues.setdefault(1, {"open": True, "parent": None, "links": []})
        self.post(tree, e.RootLabeled(scope=scope, issue_id=1001, title="Goal", body="Do it", by=by))
        return tree

    def post(self, to: Address, event: Event) -> None:
        # through JSON, as the store does it
        self.inbox.setdefault(to, deque()).append(EVENT.validate_json(EVENT.dump_json(event)))

    def fresh(self) -> str:
        self.sha += 1
        return f"sha{self.sha}"

    def run(self, until: Callable[[], bool] = lambda: False, limit: int = 5000) -> None:
        """Turns and actions in an order drawn from the seed, until nothing is left."""
        for _ in range(limit):
            if until():
                return
            ready = [k for k, q in self.inbox.items() if q]
            if ready and (not self.todo or self.random.random() < 0.6):
                self.turn(self.random.choice(ready))
            elif self.todo:
                owner, action = self.todo.pop(self.random.randrange(len(self.todo)))
                self.done.append((owner, action))
                for to, event in self.perform(owner, action):
                    self.post(to, event)
            else:
                return
        raise AssertionError("the tree does not come to rest")

    def turn(self, who: Address) -> None:
        queue = self.inbox[who]
        events = [queue.popleft() for _ in range(self.random.randint(1, len(queue)))]
        result = step(who, self.states.get(who), events, 0.0)
        if result is None:
            return
        state_type = type(result.state)
        self.states[who] = state_type.model_validate_json(result.state.model_dump_json())
        for action in result.actions:
            assert action.key, action
            assert action.key not in self.keys, f"key twice: {action.key}"
            self.keys.add(action.key)
            self.todo.append((who, ACTION.validate_json(ACTION.dump_json(action))))
        for send in result.sends:
            self.post(send.to, send.event)
        for route in result.routes:
            self.routes[(route.kind, route.value)] = route.to

    def open_issue(self, parent: int | None) -> int:
        self.number += 1
        self.issues[self.number] = {"open": True, "parent": parent, "links": []}
        return self.number

    def perform(self, owner: Address, action: Any) -> list[tuple[Address, Event]]:  # noqa: C901
        state = self.states[owner]
        match action:
            case a.ReadConfig():
                return [(owner, e.ConfigRead(config=self.config, target="main", target_sha="main0"))]
            case a.RunPlanner(turn=turn, input=given):
                answer = {"summary": "s", "scratchpad": "p"} | self.plans(given)
                plan = Plan.model_validate(answer)
                return [(owner, e.PlanAnswered(turn=turn, plan=plan, usage=Usage(calls=1), model="m", prompt="v"))]
            case a.RunJudge(turn=turn, branch=branch, input=given):
                sha = self.branches[branch]
                return [
                    (
                        owner,
                        e.VerdictAnswered(
                            turn=turn,
                            verdict=self.verdicts(given),
                            sha=sha,
                            evidence=(),
                            diff=Diffstat(),
                            usage=Usage(),
                        ),
                    )
                ]
            case a.PostPreview(plan_hash=plan_hash):
                self.comments.append((action.number, "preview"))
                return [(owner, e.PreviewPosted(comment_id=77, plan_hash=plan_hash))]
            case a.FileIssue(child=child, parent_number=parent):
                number = self.open_issue(parent)
                return [(owner, e.IssueFiled(child=child, number=number, issue_id=1000 + number))]
            case a.LinkDependency(number=number, blocker_id=blocker):
                self.issues[number]["links"].append(blocker)
            case a.CloseIssue(number=number):
                self.issues[number]["open"] = False
            case a.EnsureBranch(branch=branch, source=source):
                self.branches.setdefault(branch, self.branches[source])
                return [(owner, e.BranchReady(branch=branch, sha=self.branches[branch]))]
            case a.DeleteBranch(branch=branch):
                self.branches.pop(branch, None)
            case a.RunAttempt():
                made = self.attempts(action)
                if made is None:
                    sha = self.fresh()
                    made = e.AttemptEnded(
                        attempt=action.attempt,
                        outcome="committed",
                        sha=sha,
                        base_sha="b",
                        diff=Diffstat(files=action.brief.goal.paths, added=10),
                        patch="patch",
                        report=Report(summary="did it"),
                        usage=Usage(calls=1, dollars=0.1),
                        model="m",
                        prompt="v",
                    )
                if made.sha:
                    self.branches[action.branch] = made.sha
                if action.role == "resolver":
                    self.conflicting.discard(owner.key)
                    self.blocked.discard(owner.key)
                return [(owner, made)]
            case a.OpenPull(head=head, base=base, sha=sha):
                self.number += 1
                self.pulls[self.number] = {"head": head, "base": base, "open": True, "draft": True, "merged": False}
                return [(owner, e.PullOpened(pull=self.number, sha=self.branches.get(head, sha)))]
            case a.MarkReady(pull=pull):
                self.pulls[pull]["draft"] = False
            case a.ClosePull(pull=pull):
                self.pulls[pull]["open"] = False
                to = self.routes_pull(pull)
                return [(to, e.PullClosed(pull=pull))] if to else []
            case a.WatchChecks(sha=sha):
                verdict = self.ci(sha, action)
                failures = (CheckFailure(name="test", excerpt="boom"),) if verdict == "red" else ()
                to = self.routes.get(("sha", sha), owner)
                if to.key in self.blocked:
                    return [(to, e.ChecksMissing(sha=sha, reason="it conflicts with its base", conflict=True))]
                return [(to, e.ChecksSettled.model_validate({"sha": sha, "verdict": verdict, "failures": failures}))]
            case a.Verify(sha=sha, commands=commands):
                code = 0 if self.verify(action) else 1
                results = tuple(CommandResult(command=c, exit_code=code, output="") for c in commands)
                return [(owner, e.Verified(sha=sha, results=results))]
            case a.BuildCandidate(round=number, branch=branch, items=items):
                bad = tuple(i.node for i in items if i.node in self.conflicting and self.landed_on(branch))
                good = tuple(i.node for i in items if i.node not in bad)
                sha = self.fresh() if good or action.target else self.branches[branch]
                self.candidate_items[sha] = good
                self.candidate_pulls[sha] = tuple(i.pull for i in items if i.node in good)
                return [
                    (
                        owner,
                        e.CandidateBuilt(round=number, base=self.branches[branch], sha=sha, items=good, conflicts=bad),
                    )
                ]
            case a.MoveBranch(branch=branch, expect=expect, sha=sha):
                if self.branches[branch] != expect:
                    return [(owner, e.MoveRefused(branch=branch, reason="moved"))]
                self.branches[branch] = sha
                merged = []
                for pull in self.candidate_pulls[sha]:  # reachable from its base: GitHub marks it merged
                    self.pulls[pull] |= {"open": False, "merged": True}
                    if to := self.routes_pull(pull):
                        merged.append((to, e.PullMerged(pull=pull, merge_sha="other")))
                return [(owner, e.BranchMoved(branch=branch, sha=sha)), *merged]
            case a.PrepareHead(pull=pull, sha=sha):
                return [(owner, e.HeadPrepared(pull=pull, sha=sha, base_sha=self.branches["main"]))]
            case a.MergePull(pull=pull):
                self.pulls[pull]["merged"] = True
                self.pulls[pull]["open"] = False
                self.branches["main"] = self.fresh()
                told = e.PullMerged(pull=pull, merge_sha=self.branches["main"])
                owner_of = self.routes_pull(pull)
                # the webhook tells the owner too, in whatever order
                return [(owner, told), *([(owner_of, told)] if owner_of else [])]
            case a.Say(number=number, text=text):
                self.comments.append((number, text))
            case a.AnswerRedirect(number=number):
                self.comments.append((number, "redirect"))
            case _:
                pass
        del state
        return []

    def landed_on(self, branch: str) -> bool:
        return any(isinstance(act, a.MoveBranch) and act.branch == branch for _, act in self.done)

    def routes_pull(self, pull: int) -> Address | None:
        return self.routes.get(("pull", str(pull)))

    # ── looking ──

    def get(self, kind: str, key: str) -> Any:
        return self.states[Address.model_validate({"kind": kind, "key": key})]

    @property
    def root(self) -> Any:
        return self.get("planner", "5-1/r")

    def asked(self, kind: type) -> list[Any]:
        return [act for _, act in self.done if isinstance(act, kind)]

    def assert_silence(self) -> None:
        """Nothing unread, nothing pending, nothing left behind."""
        assert not self.todo
        assert not any(self.inbox.values())
        assert not [n for n, i in self.issues.items() if i["open"]]
        assert not [n for n, p in self.pulls.items() if p["open"]]
        assert set(self.branches) == {"main"}, self.branches
        tree = self.get("tree", "5-1")
        assert tree.ready == ()
        assert tree.running == ()
        target = self.states.get(target_train(5, "main"))
        assert target is None or target.queue == ()  # type: ignore[union-attr]
