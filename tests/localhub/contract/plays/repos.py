"""Repositories, their people, protection and rulesets."""

from __future__ import annotations

from tests.localhub.contract.session import Session, body, scenario
from tests.localhub.hooks import SECRET

REPO = "/repos/alice/sample"
PROTECTION = {
    "required_status_checks": {"strict": True, "contexts": ["lint"]}, "enforce_admins": True,
    "required_pull_request_reviews": {"dismiss_stale_reviews": True, "required_approving_review_count": 1},
    "restrictions": None, "required_linear_history": True,
}  # fmt: skip
RULES = [
    {"type": "deletion"}, {"type": "non_fast_forward"}, {"type": "required_linear_history"},
    {"type": "required_status_checks", "parameters": {
        "strict_required_status_checks_policy": False, "required_status_checks": [{"context": "lint"}]}},
    {"type": "pull_request", "parameters": {
        "dismiss_stale_reviews_on_push": True, "require_code_owner_review": False, "require_last_push_approval": False,
        "required_approving_review_count": 1, "required_review_thread_resolution": False}},
]  # fmt: skip


@scenario
def forks(c: Session) -> None:
    fork = body(c.bob.post(f"{REPO}/forks", json={"default_branch_only": True}), 202)
    assert fork["parent"]["full_name"] == "alice/sample"
    assert [one["full_name"] for one in body(c.bob.get(f"{REPO}/forks"))] == ["bob/sample"]


@scenario
def the_life_of_a_repository(c: Session) -> None:
    body(c.alice.get(REPO))
    body(c.alice.post("/user/repos", json={"name": "mine", "private": True, "auto_init": True}), 201)
    body(c.owner.post("/orgs/acme/repos", json={"name": "ours", "auto_init": True, "private": True}), 201)
    ours = "/repos/acme/ours"
    sha = body(c.owner.get(f"{ours}/git/ref/heads/main"))["object"]["sha"]
    body(c.owner.post(f"{ours}/git/refs", json={"ref": "refs/heads/trunk", "sha": sha}), 201)
    for change in (
        {"description": "What for", "homepage": "http://example.org"}, {"default_branch": "trunk"},
        {"private": False}, {"private": True}, {"archived": True}, {"archived": False}, {"allow_auto_merge": True},
        {"name": "theirs"},
    ):  # fmt: skip
        body(c.owner.patch(ours, json=change))
    moved = c.owner.get(ours)
    assert (moved.status_code, moved.headers["Location"].rsplit("/", 1)[0]) == (
        301,
        c.world.url + "/api/v3/repositories",
    )
    assert c.owner.delete("/repos/acme/theirs").status_code == 204
    c.settle()
    c.world.admin("/transfer", {"repository": "alice/sample", "new_owner": "acme"})


@scenario
def topics(c: Session) -> None:
    body(c.alice.put(f"{REPO}/topics", json={"names": ["robots", "git"]}))
    body(c.alice.get(f"{REPO}/topics"))
    assert body(c.alice.get("/search/repositories", params={"q": "user:alice"}))["total_count"] == 3
    body(c.owner.post("/orgs/acme/repos", json={"name": "more"}), 201)
    body(c.owner.get("/orgs/acme/repos"))


@scenario
def collaborators(c: Session) -> None:
    body(c.alice.get(f"{REPO}/collaborators"))
    assert c.alice.get(f"{REPO}/collaborators/bob").status_code == 204
    assert c.alice.get(f"{REPO}/collaborators/mallory").status_code == 404
    body(c.alice.get(f"{REPO}/collaborators/bob/permission"))
    assert c.alice.put(f"{REPO}/collaborators/mallory", json={"permission": "triage"}).status_code in (201, 204)
    assert c.alice.delete(f"{REPO}/collaborators/mallory").status_code == 204


@scenario
def a_protected_branch(c: Session) -> None:
    place = f"{REPO}/branches/main/protection"
    assert c.alice.get(place).status_code == 404
    body(c.alice.put(place, json=PROTECTION))
    body(c.alice.get(place))
    body(c.alice.get(f"{place}/required_status_checks"))
    body(c.alice.get(f"{REPO}/branches/main"))
    body(c.alice.get(f"{REPO}/branches"))
    assert c.alice.delete(place).status_code == 204


@scenario
def parts_of_a_protection(c: Session) -> None:
    place = f"{REPO}/branches/main/protection"
    body(c.alice.put(place, json=PROTECTION))
    body(c.alice.get(f"{place}/enforce_admins"))
    body(c.alice.post(f"{place}/enforce_admins"))
    assert c.alice.delete(f"{place}/enforce_admins").status_code == 204
    reviews, checks = f"{place}/required_pull_request_reviews", f"{place}/required_status_checks"
    body(c.alice.get(reviews))
    body(c.alice.patch(reviews, json={"required_approving_review_count": 2}))
    assert c.alice.delete(reviews).status_code == 204
    body(c.alice.patch(checks, json={"strict": False}))
    body(c.alice.get(f"{checks}/contexts"))
    body(c.alice.post(f"{checks}/contexts", json={"contexts": ["ci"]}))
    body(c.alice.put(f"{checks}/contexts", json={"contexts": ["ci", "lint"]}))
    body(c.alice.request("DELETE", f"{checks}/contexts", json={"contexts": ["ci"]}))
    assert c.alice.delete(checks).status_code == 204


@scenario
def rulesets(c: Session) -> None:
    wanted = {
        "name": "Main", "target": "branch", "enforcement": "active", "rules": RULES,
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    }  # fmt: skip
    made = body(c.alice.post(f"{REPO}/rulesets", json=wanted), 201)
    place = f"{REPO}/rulesets/{made['id']}"
    body(c.alice.post(f"{REPO}/rulesets", json=wanted | {"name": "Also", "enforcement": "disabled"}), 201)
    body(c.alice.get(f"{REPO}/rulesets"))
    body(c.alice.get(place))
    body(c.alice.get(f"{REPO}/rules/branches/main"))
    body(c.alice.put(place, json={"enforcement": "disabled"}))
    assert c.alice.delete(place).status_code == 204


@scenario
def webhooks_of_a_repository(c: Session) -> None:
    config = {"url": c.world.hooks.url, "content_type": "json", "secret": SECRET, "insecure_ssl": "0"}
    wanted = {"name": "web", "active": True, "events": ["issues", "push"], "config": config}
    made = body(c.alice.post(f"{REPO}/hooks", json=wanted), 201)
    place = f"{REPO}/hooks/{made['id']}"
    body(
        c.alice.post(
            f"{REPO}/hooks", json=wanted | {"active": False, "config": config | {"url": config["url"] + "/2"}}
        ),
        201,
    )
    body(c.alice.get(f"{REPO}/hooks"))
    body(c.alice.get(place))
    body(c.alice.patch(place, json={"add_events": ["issue_comment"], "config": config}))
    body(c.alice.get(f"{place}/config"))
    body(c.alice.patch(f"{place}/config", json=config))
    assert c.alice.post(f"{place}/pings").status_code == 204
    assert c.alice.post(f"{place}/tests").status_code == 204
    body(c.alice.post(f"{REPO}/issues", json={"title": "Told"}), 201)
    c.settle()
    newest = body(c.alice.get(f"{place}/deliveries"))[0]
    body(c.alice.get(f"{place}/deliveries/{newest['id']}"))
    body(c.alice.post(f"{place}/deliveries/{newest['id']}/attempts"), 202)
    assert c.alice.delete(place).status_code == 204
