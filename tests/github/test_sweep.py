"""Heads are found and made to stand as decided, both ways, and nothing is written twice."""

from gate.github.checks.sweep import Swept
from tests.github.conftest import Sweep, locked, opened
from tests.github.fake import FakeGitHub
from tests.github.fake.server import ALL_WRITE, TOKEN, Grant

WRITES = "POST|PATCH"


def numbers(swept: Swept) -> list[int | None]:
    return [outcome.head.number for outcome in swept.outcomes]


def shas(swept: Swept) -> set[str]:
    return {outcome.head.sha for outcome in swept.outcomes}


def test_a_check_follows_the_decision_both_ways(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    for what, status, conclusion in (
        (locked(), "in_progress", None),
        (opened(), "completed", "success"),
        (locked(), "in_progress", None),
        (opened(), "completed", "success"),
    ):
        swept = run(what)
        assert swept.complete
        assert swept.changed
        newest = fake.repository.newest_run(sha)
        assert newest is not None
        assert (newest["status"], newest["conclusion"]) == (status, conclusion)
        assert newest["output"]["title"] == what.title
    # From completed there is no way back: the second lock is a second run.
    assert len(fake.repository.runs) == 2


def test_what_stands_right_is_not_written_again(fake: FakeGitHub, run: Sweep) -> None:
    fake.repository.pull(1)
    fake.repository.queue(1, "e" * 40)
    assert run(locked()).changed
    fake.forget()
    again = run(locked())
    assert again.complete
    assert not again.changed
    assert {outcome.state for outcome in again.outcomes} == {"in_progress"}
    assert fake.asked(WRITES) == []


def test_another_reopening_time_is_written(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    run(locked())
    assert run(locked("Locked until later")).changed
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    assert newest["output"]["title"] == "Locked until later"
    assert len(fake.repository.runs) == 1


def test_only_heads_of_protected_bases_are_checked(fake: FakeGitHub, run: Sweep) -> None:
    repository = fake.repository
    repository.default_branch = "trunk"
    for number, base in enumerate(("trunk", "main", "release/1.2", "trunk2"), start=1):
        repository.pull(number, base=base)
    repository.pull(9, base="trunk", state="closed")
    assert numbers(run(locked())) == [1]
    assert numbers(run(locked(), ["release/*", "main"])) == [2, 3]
    assert numbers(run(locked(), ["nothing"])) == []


def test_a_default_branch_is_no_glob(fake: FakeGitHub, run: Sweep) -> None:
    fake.repository.default_branch = "rel[12]"
    fake.repository.pull(1, base="rel[12]")
    fake.repository.pull(2, base="rel1")
    assert numbers(run(locked())) == [1]


def test_bases_of_the_policy_need_no_look_at_the_repository(fake: FakeGitHub, run: Sweep) -> None:
    run(locked(), ["main"])
    assert not fake.asked("GET", "^/repos/acme/bookings$")


def test_merge_groups_are_heads_too(fake: FakeGitHub, run: Sweep) -> None:
    repository = fake.repository
    repository.queue(4, "a" * 40)
    repository.queue(5, "b" * 40, base="release/1.2")
    repository.queue(6, "c" * 40, base="other")
    swept = run(locked(), ["main", "release/*"])
    assert shas(swept) == {"a" * 40, "b" * 40}
    assert numbers(swept) == [None, None]
    fake.fail("GET", "matching-refs", status=404)
    assert run(locked()).complete


def test_forks_drafts_and_shared_commits(fake: FakeGitHub, run: Sweep) -> None:
    repository = fake.repository
    repository.pull(5, sha="a" * 40)
    repository.pull(3, sha="a" * 40, head_repo="someone/bookings")
    repository.pull(1, sha="a" * 40, base="not-protected")
    repository.pull(7, head_repo=None, draft=True)
    repository.queue(5, "a" * 40)
    swept = run(locked())
    assert numbers(swept) == [3, 7]
    assert len(repository.runs) == 2


def test_pages_are_followed_to_the_end(fake: FakeGitHub, run: Sweep) -> None:
    for number in range(1, 251):
        fake.repository.pull(number)
    assert sorted(filter(None, numbers(run(locked())))) == list(range(1, 251))
    assert len(fake.asked("GET", "/pulls")) == 3


def test_checks_of_others_are_left_alone(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    for name in ("saturday-gate / lint", "build"):
        fake.repository.add_run({"name": name, "head_sha": sha, "status": "in_progress"})
    fake.repository.add_status(sha, {"state": "failure", "context": "ci"})
    run(opened())
    others = [run for run in fake.repository.runs if run["name"] != "saturday-gate"]
    assert [run["status"] for run in others] == ["in_progress", "in_progress"]
    assert [each["state"] for each in fake.repository.statuses] == ["failure"]


def test_a_run_asked_for_again_is_put_right(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    run(opened())
    fake.repository.rerequest(sha)
    swept = run(opened())
    assert swept.complete
    assert swept.changed
    assert fake.repository.states() == {sha: "completed"}


def test_a_failure_under_our_name_is_put_right_by_a_new_run(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    fake.repository.add_run(
        {"name": "saturday-gate", "head_sha": sha, "status": "completed", "conclusion": "failure"}
    )
    assert run(opened()).complete
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    assert newest["conclusion"] == "success"


def test_the_run_of_another_app_is_superseded(fake: FakeGitHub, run: Sweep) -> None:
    for number in (1, 2, 3):
        sha = fake.repository.pull(number).sha
        body = {"name": "saturday-gate", "head_sha": sha, "status": "in_progress"}
        fake.repository.add_run(body, app_id=99)
    swept = run(opened())
    assert swept.complete
    assert fake.repository.newest_run(f"{3:040x}")["app"]["id"] != 99  # type: ignore[index]
    assert len([each for each in fake.asked("PATCH") if each.status == 403]) < 3
    fake.forget()
    assert not run(opened()).changed


def test_statuses_where_checks_may_not_be_written(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens[TOKEN] = Grant(permissions={"statuses": "write"})
    sha = fake.repository.pull(1).sha
    fake.repository.pull(2)
    for what, state in ((locked(), "pending"), (opened(), "success"), (locked(), "pending")):
        swept = run(what)
        assert swept.complete
        assert swept.changed
        assert {(o.kind, o.state) for o in swept.outcomes} == {("status", state)}
        newest = fake.repository.statuses_of(sha)[0]
        assert (newest["state"], newest["context"]) == (state, "saturday-gate")
        assert newest["description"] == what.description
    fake.forget()
    again = run(locked())
    assert again.complete
    assert not again.changed
    assert fake.asked(WRITES) == []


def test_checks_that_may_not_even_be_read(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens[TOKEN] = Grant(permissions={"statuses": "write"})
    fake.fail("GET", "/check-runs", status=403, times=None)
    fake.repository.pull(1)
    fake.repository.pull(2)
    assert run(locked()).complete
    assert not run(locked()).changed


def test_a_server_without_the_combined_status(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens[TOKEN] = Grant(permissions={"statuses": "write"})
    fake.fail("GET", "/status$", status=404, times=None)
    fake.repository.pull(1)
    assert run(locked()).changed
    assert not run(locked()).changed


def test_neither_check_nor_status_may_be_written(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens[TOKEN] = Grant(permissions={})
    fake.repository.pull(1)
    swept = run(locked())
    assert not swept.complete
    assert "refused" in str(swept.outcomes[0].failure)


def test_new_rights_turn_new_heads_to_checks(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens[TOKEN] = Grant(permissions={"statuses": "write"})
    fake.repository.pull(1)
    run(locked())
    fake.tokens[TOKEN] = Grant(permissions=dict(ALL_WRITE))
    swept = run(opened())
    assert {outcome.kind for outcome in swept.outcomes} == {"status"}, "one kind on one head"
