"""How things are named. Ids come from facts, so that a fact seen twice is one event."""

from __future__ import annotations

import hashlib
import re

from planner.model import Address


def tree_key(repo_id: int, root: int) -> str:
    return f"{repo_id}-{root}"


def root_planner(tree: str) -> str:
    return f"{tree}/r"


def child_key(parent: str, ident: str) -> str:
    return f"{parent}/{ident}"


def tree_of(key: str) -> str:
    return key.split("/", 1)[0]


def slice_train(planner: str) -> Address:
    return Address(kind="train", key=f"{planner}:slice")


def target_train(repo_id: int, branch: str) -> Address:
    return Address(kind="train", key=f"{repo_id}:{branch}")


def installation(ident: int) -> Address:
    return Address(kind="installation", key=str(ident))


def slug(text: str, length: int = 40) -> str:
    """Lower case letters, digits and single dashes: safe in a branch name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:length].rstrip("-") or "work"


def slice_branch(root: int, planner: str) -> str:
    """`branchwork/7/slice` for the root planner, `branchwork/7/parser/slice` for a sub-planner."""
    path = planner.split("/", 2)[2] + "/" if planner.count("/") > 1 else ""
    return f"branchwork/{root}/{path}slice"


def task_branch(root: int, key: str, title: str, series: int) -> str:
    """`branchwork/7/parser/t-lexer-add-tokens`; a revision after landing gets a branch of its own."""
    path = key.split("/", 2)[2]
    head, _, last = path.rpartition("/")
    return f"branchwork/{root}/{head + '/' if head else ''}t-{last}-{slug(title)}" + (
        f"-{series}" if series > 1 else ""
    )


def train_branch(root: int, planner: str) -> str:
    return slice_branch(root, planner).removesuffix("slice") + "train"


def digest(*parts: object) -> str:
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:16]
