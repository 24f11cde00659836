"""`.github/branchwork.yml`: a configuration, or one sentence for each mistake."""

from __future__ import annotations

import pytest

from bot.config_file import read
from planner.policy import RepoConfig


def test_an_absent_file_is_a_valid_one() -> None:
    assert read("") == RepoConfig()


def test_a_profile_is_chosen_by_label() -> None:
    text = "profiles:\n  careful:\n    merge: {who: people, approvals: 2}\n"
    config = read(text, ("bug", "branchwork-profile:careful"))
    assert isinstance(config, RepoConfig)
    assert config.merge.approvals == 2
    assert read(text, ("branchwork-profile:bold",)) == (
        ".github/branchwork.yml: the label chooses the profile 'bold', which is not there; known: careful.",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "label: x\nlimts:\n  dollars: 3\n",
            ".github/branchwork.yml, line 2, `limts`: there is no such field. Did you mean `limits`? Known here: "
            "approve, bots, commands, harness, label, land, limits, merge, models, network, profiles, protect, trailers.",
        ),
        (
            "merge:\n  who: everyone\n",
            ".github/branchwork.yml, line 2, `merge.who`: found 'everyone', accepted: "
            "'people', 'when_approved' or 'when_green'.",
        ),
        (
            "limits:\n  workers: 0\n",
            ".github/branchwork.yml, line 2, `limits.workers`: found 0, accepted: greater than or equal to 1.",
        ),
        ("- a\n", ".github/branchwork.yml, line 1: expected fields like `label: branchwork`, found ['a']."),
    ],
)
def test_mistakes(text: str, sentence: str) -> None:
    assert read(text) == (sentence,)


def test_broken_yaml_says_where() -> None:
    found = read("label: [\n")
    assert isinstance(found, tuple)
    assert found[0].startswith(".github/branchwork.yml, line 2, column 1: this is not valid YAML")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("harness: codex\n", ".github/branchwork.yml, line 1, `harness`: only `builtin` runs yet; leave it out."),
        (
            "limits:\n  open_prs: 3\n",
            ".github/branchwork.yml, line 2, `limits.open_prs`: not counted yet; leave it out.",
        ),
        (
            "network: {allow: [pypi.org]}\n",
            ".github/branchwork.yml, line 1, `network.allow`: sandboxes have no network yet; leave it out.",
        ),
    ],
)
def test_what_is_not_honoured_yet_is_refused(text: str, sentence: str) -> None:
    assert read(text) == (sentence,)
