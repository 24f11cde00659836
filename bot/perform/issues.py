"""Configuration, sub-issues, dependencies and branches by the API."""

from __future__ import annotations

from bot import config_file, pulltext
from bot.contract import ActionRow, GiveUp, Performed
from bot.github.errors import Refused
from bot.github.gateway import Gateway
from bot.github.values import Issue
from bot.perform.context import MARKER, Deps, keep_marker, result
from planner.actions import CloseIssue, EnsureBranch, FileIssue, LinkDependency, UpdateIssue
from planner.events import BranchReady, ConfigInvalid, ConfigRead, IssueFiled

LOOK_BACK = 200
"""how many of the newest issues are searched for a marker after a crash"""


def read_config(deps: Deps, row: ActionRow) -> Performed:
    gateway = deps.gateway(row)
    repository = gateway.repository()
    target = repository.default_branch
    sha = gateway.branch_sha(target)
    if sha is None:
        return result(row, ConfigInvalid(problems=(f"the default branch {target} has no commit yet",)))
    text = gateway.file(config_file.PATH, target)
    label_names = gateway.issues.labels(row.scope.root)
    config = config_file.read(text or "", label_names)
    if isinstance(config, tuple):
        return result(row, ConfigInvalid(problems=config))
    return result(row, ConfigRead(config=config, target=target, target_sha=sha))


def file_issue(deps: Deps, row: ActionRow, action: FileIssue) -> Performed:
    gateway = deps.gateway(row)
    linked = True
    found = None
    if row.maybe_done:
        found = _of_mine(deps, row, gateway.issues.sub_issues(action.parent_number))
        if found is None:
            deps.pause(deps.timing.again)
            found = _of_mine(deps, row, gateway.issues.sub_issues(action.parent_number))
        if found is None:
            linked = False
            found = _newest(deps, row, gateway)
    if found is None:
        linked = False
        body = pulltext.issue_body(action.goal, action.kind, action.parent_number, action.depends_on)
        body += deps.mark(
            row,
            "issue",
            action.parent_number,
            node=action.child,
            id=action.child_id,
            what=action.kind,
            goal=action.goal.model_dump(mode="json"),
            after=list(action.depends_on),
        )
        made = gateway.issues.create_under(action.parent_number, action.goal.title, body)
        linked, found = made is not None, made or gateway.issues.create(action.goal.title, body)
    if not linked:
        _link(gateway, action.parent_number, found)
    return result(row, IssueFiled(child=action.child, number=found.number, issue_id=found.id))


def _of_mine(deps: Deps, row: ActionRow, issues: tuple[Issue, ...]) -> Issue | None:
    return next((issue for issue in issues if deps.is_mine(row, issue.body)), None)


def _newest(deps: Deps, row: ActionRow, gateway: Gateway) -> Issue | None:
    """The issue, created but not yet linked to its parent when we died."""
    for at, issue in enumerate(gateway.issues.by_creator(deps.bot_login, "")):
        if deps.is_mine(row, issue.body):
            return issue
        if at >= LOOK_BACK:
            break
    return None


def _link(gateway: Gateway, parent: int, issue: Issue) -> None:
    try:
        gateway.issues.add_sub_issue(parent, issue.id)
    except Refused:
        if all(sub.id != issue.id for sub in gateway.issues.sub_issues(parent)):
            raise


def link_dependency(deps: Deps, row: ActionRow, action: LinkDependency) -> Performed:
    deps.gateway(row).issues.add_blocked_by(action.number, action.blocker_id)
    return Performed()


def update_issue(deps: Deps, row: ActionRow, action: UpdateIssue) -> Performed:
    gateway = deps.gateway(row)
    issue = gateway.issues.get(action.number)
    old = deps.marks.read(row.scope.repo_id, issue.body)
    if old is None:
        return Performed(note="the issue is not one of ours: its body is left alone")
    facts = dict(old.facts) | {"goal": action.goal.model_dump(mode="json")}
    what = str(facts.get("what", "task"))
    after = tuple(str(a) for a in facts.get("after", ()))
    body = pulltext.issue_body(action.goal, what, old.parent, after, f"Changed: {action.note}")
    marker = deps.marks.sign(row.scope, old.kind, old.parent, old.key, facts)
    gateway.issues.edit(action.number, title=action.goal.title[:256], body=f"{body}\n\n{marker}")
    return Performed()


def close_issue(deps: Deps, row: ActionRow, action: CloseIssue) -> Performed:
    gateway = deps.gateway(row)
    issue = gateway.issues.get(action.number)
    if issue.state == "closed":
        return Performed(note="closed already")
    fields: dict[str, object] = {"state": "closed", "state_reason": action.reason}
    if action.note and deps.marks.read(row.scope.repo_id, issue.body) is not None:
        rest = MARKER.sub("", issue.body or "").strip()
        fields["body"] = keep_marker(issue.body, f"Nothing for you to do: {action.note}\n\n{rest}")
    gateway.issues.edit(action.number, **fields)
    return Performed()


def ensure_branch(deps: Deps, row: ActionRow, action: EnsureBranch) -> Performed:
    gateway = deps.gateway(row)
    sha = gateway.branch_sha(action.branch)
    if sha is None:
        source = gateway.branch_sha(action.source)
        if source is None:
            raise GiveUp(f"the branch {action.source} does not exist")
        sha = gateway.create_branch(action.branch, source)
    return result(row, BranchReady(branch=action.branch, sha=sha))
