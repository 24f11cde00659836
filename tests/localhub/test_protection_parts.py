"""The parts of a branch's protection, each read, changed and taken away by itself."""

from __future__ import annotations

from typing import Any

PART = "/repos/alice/sample/branches/main/protection"
NOTHING = {"enforce_admins": None, "required_pull_request_reviews": None, "restrictions": None}


def test_administrators_and_reviews(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        assert alice.get(f"{PART}/enforce_admins").json()["message"] == "Branch not protected"
        # PyGithub sends null for what it is not told.
        flags = dict.fromkeys(("required_linear_history", "allow_deletions", "block_creations", "lock_branch"))
        assert alice.put(PART, json=NOTHING | flags | {"required_status_checks": None}).status_code == 200
        assert not validate(alice.get(f"{PART}/enforce_admins"), "ProtectedBranchAdminEnforced")["enabled"]
        assert validate(alice.post(f"{PART}/enforce_admins"), "ProtectedBranchAdminEnforced")["enabled"]
        assert alice.get(PART).json()["enforce_admins"]["enabled"]
        assert alice.delete(f"{PART}/enforce_admins").status_code == 204
        assert not alice.get(PART).json()["enforce_admins"]["enabled"]
        reviews = f"{PART}/required_pull_request_reviews"
        assert alice.get(reviews).status_code == 404
        changed = alice.patch(reviews, json={"required_approving_review_count": 2})
        assert validate(changed, "ProtectedBranchPullRequestReview")["required_approving_review_count"] == 2
        changed = alice.patch(reviews, json={"dismiss_stale_reviews": True}).json()
        assert (changed["dismiss_stale_reviews"], changed["required_approving_review_count"]) == (True, 2)
        assert bob.patch(reviews, json={}).status_code == 403
        assert alice.delete(reviews).status_code == 204
        assert "required_pull_request_reviews" not in alice.get(PART).json()


def test_required_checks_and_their_contexts(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice:
        alice.put(PART, json=NOTHING | {"required_status_checks": None})
        checks, contexts = f"{PART}/required_status_checks", f"{PART}/required_status_checks/contexts"
        refused = alice.patch(checks, json={"strict": True})
        assert (refused.status_code, refused.json()["message"]) == (404, "Required status checks not enabled")
        alice.put(PART, json=NOTHING | {"required_status_checks": {"strict": False, "contexts": ["ci"]}})
        changed = validate(alice.patch(checks, json={"strict": True}), "StatusCheckPolicy")
        assert (changed["strict"], changed["contexts"]) == (True, ["ci"])
        assert alice.post(contexts, json={"contexts": ["lint", "ci"]}).json() == ["ci", "lint"]
        assert alice.request("DELETE", contexts, json=["ci"]).json() == ["lint"]
        assert alice.put(contexts, json={"contexts": ["a", "b"]}).json() == ["a", "b"]
        assert alice.get(contexts).json() == ["a", "b"]
        only = {"checks": [{"context": "c", "app_id": 15368}]}
        assert alice.patch(checks, json=only).json()["checks"] == [{"context": "c", "app_id": 15368}]
        rules = alice.get("/repos/alice/sample/branches/main").json()["protection"]["required_status_checks"]
        assert rules["contexts"] == ["c"]
        assert alice.delete(checks).status_code == 204
        assert alice.get(contexts).status_code == 404
