"""libgit2 in this process does what git would have done: the same trees, differences, histories and merges."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from localhub import gitdiff, gitfolder, githistory, gitmerge, libgit, libgitdiff, libgitwrite
from localhub.gitcore import ZERO, GitError, Person, RefChange, run, text
from localhub.gitstore import GitRepo

WHO = Person("Alice", "alice@example.org", "1700000000 +0000")
NAMES = ("a", "b", "c.txt", "lib/x", "lib/y", "lib/deep/z", "lib.py", "ü/ö")
ASIDE = {"GIT_LITERAL_PATHSPECS": "0"}  # any environment of its own makes GitRepo ask git itself


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "r.git")
    made.init()
    return made


def commit(repo: GitRepo, files: dict[str, str], *parents: str) -> str:
    entries = {name: ("100644", repo.write_blob(content.encode())) for name, content in files.items()}
    return repo.write_commit(repo.write_tree(entries), parents, WHO, WHO, "a commit")


def changed(files: dict[str, str], chance: random.Random, *, remove: bool) -> dict[str, str]:
    files = dict(files)
    for name in chance.sample(NAMES, chance.randint(0, 3)):
        if remove and name in files and chance.random() < 0.4:
            del files[name]
        else:
            files[name] = "\n".join(str(chance.randint(0, 3)) for _ in range(chance.randint(1, 6))) + "\n"
    return files or {"a": "left\n"}


@pytest.mark.parametrize("seed", range(12))
def test_random_histories_look_the_same_to_git(repo: GitRepo, seed: int) -> None:
    chance = random.Random(seed)
    git = GitRepo(repo.path, ASIDE)
    files = changed(dict.fromkeys(NAMES[: chance.randint(1, 7)], "1\n2\n3\n"), chance, remove=False)
    base = commit(repo, files)
    ours = commit(repo, changed(files, chance, remove=seed % 2 == 0), base)
    middle = commit(repo, theirs_files := changed(files, chance, remove=seed % 3 == 0), base)
    theirs = commit(repo, changed(theirs_files, chance, remove=False), middle)
    for sha in (base, ours, theirs):
        assert repo.tree(sha, recursive=True) == git.tree(sha, recursive=True)
        assert repo.tree(sha) == git.tree(sha)
        for name in (*NAMES, "lib", "none", "lib/none"):
            assert repo.entry(sha, name) == git.entry(sha, name)
    assert repo.log([theirs], [ours], "--reverse", "--topo-order") == git.log(
        [theirs], [ours], "--reverse", "--topo-order"
    )
    assert repo.merge_base(ours, theirs) == git.merge_base(ours, theirs)
    for each in (base, ours, theirs):
        assert repo.is_ancestor(middle, each) == git.is_ancestor(middle, each)
    for old, new in ((base, ours), (base, theirs), (middle, theirs), (None, theirs)):
        assert gitdiff._changes(repo, old or gitdiff.EMPTY_TREE, new, patches=True) == gitdiff._changes(
            git, old or gitdiff.EMPTY_TREE, new, patches=True
        )
    assert gitdiff.names(repo, [base, ours, middle, theirs]) == gitdiff.names(git, [base, ours, middle, theirs])
    options = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"]
    code, out = run(repo.path, [*options, ours, theirs], ok=(0, 1))
    merged = gitmerge.merge_trees(repo, ours, theirs)
    assert (merged if code == 0 else "a conflict") == (text(out).split("\0")[0] if code == 0 else "a conflict")
    assert isinstance(merged, gitmerge.Conflict) == (code == 1)
    assert text(repo.git("fsck", "--strict", "--no-dangling")) == ""


def test_merges_of_different_files_need_no_git(repo: GitRepo) -> None:
    base = commit(repo, {"a": "1", "lib/x": "1", "lib/y": "1"})
    ours = commit(repo, {"a": "2", "lib/x": "1", "lib/y": "2", "new": "n"}, base)
    theirs = commit(repo, {"a": "1", "lib/x": "2", "lib/y": "1", "lib/new": "n"}, base)
    merged = libgitwrite.plain_merge(repo.path, ours, theirs)
    assert merged == commit_tree(repo, {"a": "2", "lib/x": "2", "lib/y": "2", "new": "n", "lib/new": "n"})
    moved = commit(repo, {"a": "1", "lib/z": "1", "lib/y": "1"}, base)
    for sides in ((moved, theirs), (theirs, moved), (ours, commit(repo, {"a": "3", "lib/x": "1", "lib/y": "1"}, base))):
        with pytest.raises(libgit.Elsewhere):
            libgitwrite.plain_merge(repo.path, *sides)


def commit_tree(repo: GitRepo, files: dict[str, str]) -> str:
    return text(repo.git("rev-parse", f"{commit(repo, files)}^{{tree}}")).strip()


@pytest.mark.parametrize(
    "entries",
    [
        {"lib/x": None},
        {"lib": None},
        {"lib/deep/z": None, "a": None},
        {"lib/x/below": "1"},
        {"a": "9", "new/er/file": "n"},
        {"none": None},
        dict.fromkeys(NAMES),
    ],
)
def test_trees_are_written_as_by_an_index(repo: GitRepo, entries: dict[str, str | None]) -> None:
    base = commit(repo, dict.fromkeys(NAMES, "1"))
    made = {name: content and ("100644", repo.write_blob(content.encode())) for name, content in entries.items()}
    rows = "".join(
        f"{entry[0]} {entry[1]}\t{name}\0" if entry else f"0 {ZERO}\t{name}\0" for name, entry in made.items()
    )
    index = GitRepo(repo.path, {"GIT_INDEX_FILE": str(repo.path / "index.test")})
    index.git("read-tree", base)
    if entries == {"lib": None}:
        rows = "".join(f"0 {ZERO}\t{name}\0" for name in NAMES if name.startswith("lib/"))
    index.git("update-index", "--add", "--replace", "-z", "--index-info", stdin=rows.encode())
    assert repo.write_tree(made, base) == text(index.git("write-tree")).strip()  # type: ignore[arg-type]


def test_refs_move_together_and_only_from_where_they_are(repo: GitRepo) -> None:
    one, two = commit(repo, {"a": "1"}), commit(repo, {"a": "2"})
    repo.update_refs([RefChange("refs/heads/main", ZERO, one), RefChange("refs/heads/dir/b", ZERO, one)])
    with pytest.raises(GitError, match="it is not at"):
        repo.update_refs([RefChange("refs/heads/dir/b", one, two), RefChange("refs/heads/main", two, one)])
    assert repo.refs() == {"refs/heads/dir/b": one, "refs/heads/main": one}
    for name in ("refs/heads/dir", "refs/heads/main/below"):
        with pytest.raises(GitError):
            repo.update_refs([RefChange(name, ZERO, one)])
    repo.git("pack-refs", "--all")
    for name in ("refs/heads/dir", "refs/heads/main/below"):
        with pytest.raises(GitError):
            repo.update_refs([RefChange(name, ZERO, one)])
    repo.update_refs([RefChange("refs/heads/dir/b", one, ZERO), RefChange("refs/heads/main", one, two)])
    assert text(repo.git("for-each-ref", "--format=%(refname) %(objectname)")) == f"refs/heads/main {two}\n"
    assert repo.resolve("main") == repo.resolve(two[:10]) == two
    assert repo.resolve("no such") is None
    with pytest.raises(GitError):
        repo.update_refs([RefChange("refs/heads/blob", ZERO, repo.write_blob(b"x"))])


def test_large_files_are_seen(repo: GitRepo) -> None:
    base = commit(repo, {"a": "1"})
    repo.set_ref("refs/heads/main", base)
    small, large = commit(repo, {"a": "1", "b": "22"}, base), commit(repo, {"a": "1", "b": "333"}, base)
    assert libgitdiff.brings_none_above(repo.path, small, 2)
    assert not libgitdiff.brings_none_above(repo.path, commit(repo, {"a": "2", "b": "333"}, large), 2)
    assert not libgitdiff.brings_none_above(repo.path, large, 2)


def test_a_repository_made_anew_in_its_place_is_another_one(repo: GitRepo) -> None:
    repo.set_ref("refs/heads/main", commit(repo, {"a": "1"}))
    repo.remove()
    repo.init("other")
    assert (repo.head(), repo.refs()) == ("other", {})


def test_a_history_that_goes_on_is_the_whole_history(repo: GitRepo) -> None:
    git = GitRepo(repo.path, ASIDE)
    tip = commit(repo, {"a": "0"})
    for number in range(1, 12):
        side = commit(repo, {"a": str(number), "side": str(number)}, tip)
        tip = commit(repo, {"a": str(number)}, tip) if number % 4 else commit(repo, {"a": "m"}, tip, side)
        assert list(githistory.history(repo, tip)) == git.log([tip])
        assert list(githistory.history(repo, side)) == git.log([side])
        assert list(githistory.history(repo, tip, "side")) == git.log([tip], (), path="side")


@pytest.mark.parametrize("seed", range(8))
def test_a_branch_that_merges_looks_the_same_to_git_at_every_step(repo: GitRepo, seed: int) -> None:
    """What each merge brings, in git's order, and where each head leaves the branch, found from the step before."""
    chance = random.Random(seed)
    git = GitRepo(repo.path, ASIDE)
    base = commit(repo, {"a": "1", "lib/x": "1"})
    tips, heads = [base], list[str]()
    for number in range(12):
        parent = chance.choice([*tips, *heads])
        heads.append(commit(repo, {"a": "1", f"new/{number}": "1"}, parent))
    order = ("--reverse", "--topo-order")
    for head in chance.sample(heads, 9):
        for each in heads:
            assert repo.merge_base(tips[-1], each) == git.merge_base(tips[-1], each)
        if repo.is_ancestor(head, tips[-1]):
            continue
        squashed = chance.random() < 0.3
        tips.append(commit(repo, {"b": str(len(tips))}, *([tips[-1]] if squashed else [tips[-1], head])))
        assert repo.log([tips[-1]], [tips[-2]], *order) == git.log([tips[-1]], [tips[-2]], *order)
    assert repo.log([tips[-1]], [base], *order) == git.log([tips[-1]], [base], *order)


def test_what_waits_is_there_after_the_end_and_torn_records_are_not(repo: GitRepo) -> None:
    tips = [commit(repo, {"a": str(number)}) for number in range(40)]
    for number, tip in enumerate(tips):
        repo.set_ref(f"refs/heads/b{number}", tip)
    repo.set_ref("refs/heads/b0", None)
    journal = repo.path / "localhub.journal"
    torn = GitRepo(repo.path.parent / "torn.git")
    shutil.copytree(repo.path, torn.path)
    with (torn.path / journal.name).open("ab") as file:
        file.write(b"refs 60\n" + tips[0].encode() + b" refs/heads/half")
    for each in (repo, torn):  # the first one makes git's own files of it, many at once
        each.set_ref("refs/heads/late", tips[1])
        expected = {f"refs/heads/b{number}": tip for number, tip in enumerate(tips)} | {"refs/heads/late": tips[1]}
        del expected["refs/heads/b0"]
        assert each.refs() == dict(sorted(expected.items()))
        assert text(each.git("for-each-ref", "--format=%(refname) %(objectname)")).split() == [
            word for pair in sorted(expected.items()) for word in pair
        ]
        assert text(each.git("fsck", "--strict", "--no-dangling")) == ""
        assert each.path.joinpath(journal.name).stat().st_size == 0
        assert list((each.path / "objects" / "pack").glob("*.idx"))
    tag = repo.write_tag("v1", tips[2], "commit", WHO, "a tag")
    for number in range(40):
        repo.set_ref(f"refs/tags/v{number}", tag)
    repo.set_ref("refs/heads/b1", None)
    repo.update_refs([RefChange("refs/heads/b1/below", ZERO, tips[3])])
    peeled = text(repo.git("for-each-ref", "--format=%(*objectname)", "refs/tags")).split()
    assert peeled == [tips[2]] * 40
    assert text(repo.git("rev-parse", "refs/heads/b1/below")).strip() == tips[3]
    assert text(repo.git("show-ref", "-d")).count(f"{tips[2]} refs/tags/") == 40


def test_more_repositories_than_are_held_open(repo: GitRepo) -> None:
    tip = commit(repo, {"a": "1"})
    repo.set_ref("refs/heads/main", tip)
    others = [GitRepo(repo.path.parent / f"{number}.git") for number in range(gitfolder.HANDLES + 2)]
    for other in others:
        shutil.copytree(repo.path, other.path)
        other.set_ref("refs/heads/own", tip)
    assert (repo.path / "localhub.journal").stat().st_size == 0, "it was the first to be closed, and so is settled"
    for other in (repo, *others):
        assert other.ref("refs/heads/main") == tip
        other.set_ref("refs/heads/main", None)
        assert "refs/heads/main" not in other.refs()


def test_a_repository_made_anew_in_its_place_is_not_settled_with_the_old_ones_work(repo: GitRepo) -> None:
    tip = commit(repo, {"a": "1"})
    repo.set_ref("refs/heads/main", tip)
    repo.git("rev-parse", "main")  # settles it
    spare = repo.path.parent / "spare.git"
    shutil.copytree(repo.path, spare)
    gone, anew = (GitRepo(repo.path.parent / f"{name}.git") for name in ("gone", "anew"))
    for each in (gone, anew):
        shutil.copytree(spare, each.path)
        each.set_ref("refs/heads/old", tip)
        shutil.rmtree(each.path)
    shutil.copytree(spare, anew.path)
    (anew.path / "localhub.journal").unlink()
    for number in range(gitfolder.HANDLES + 2):
        other = GitRepo(repo.path.parent / f"{number}.git")
        shutil.copytree(spare, other.path)
        other.set_ref("refs/heads/own", tip)
    assert not gone.path.exists()
    assert list(anew.refs()) == ["refs/heads/main"]
