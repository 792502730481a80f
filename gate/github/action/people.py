"""What only GitHub's API knows of a run: whether a person approved it; and our comment."""

from typing import Any

from github import GithubException
from github.Requester import Requester

from gate.github.action.event import Run
from gate.github.names import is_person

_PAGE = 100
_MOST_PAGES = 30


def approved_by_person(requester: Requester, run: Run, environment: str | None) -> bool:
    """Whether a person approved a deployment of this run, to this environment where one is named.

    Raises what PyGithub and requests raise.
    """
    _, reviews = requester.requestJsonAndCheck(
        "GET", f"/repos/{run.repository}/actions/runs/{run.run_id}/approvals"
    )
    return any(_approves(review, environment) for review in _objects(reviews))


def _objects(answer: object) -> list[dict[str, Any]]:
    if not isinstance(answer, list):
        raise ValueError("the answer is no list")
    return [each for each in answer if isinstance(each, dict)]


def _approves(review: dict[str, Any], environment: str | None) -> bool:
    user = review.get("user") or {}
    names = [str(each.get("name", "")).lower() for each in review.get("environments") or []]
    return (
        review.get("state") == "approved"
        and user.get("type") == "User"
        and is_person(user.get("login"), "User")
        and (environment is None or environment.lower() in names)
    )


def put_comment(requester: Requester, run: Run, marker: str, body: str) -> None:
    """Write the comment of ``marker`` on the run's pull request, or replace what it says.

    Raises what PyGithub and requests raise.
    """
    base = f"/repos/{run.repository}/issues"
    mine = _own_comment(requester, f"{base}/{run.pull_request}/comments", marker)
    content = {"body": f"{marker}\n{body}"}
    if mine is None:
        requester.requestJsonAndCheck("POST", f"{base}/{run.pull_request}/comments", input=content)
    elif mine["body"] != content["body"]:
        requester.requestJsonAndCheck("PATCH", f"{base}/comments/{mine['id']}", input=content)


def _own_comment(requester: Requester, url: str, marker: str) -> dict[str, Any] | None:
    """The comment that begins with the marker and is ours: anybody can write the marker."""
    login = None
    for page in range(1, _MOST_PAGES + 1):
        _, comments = requester.requestJsonAndCheck(
            "GET", url, parameters={"per_page": _PAGE, "page": page}
        )
        found = _objects(comments)
        for comment in found:
            if not str(comment.get("body", "")).startswith(marker):
                continue
            user = comment.get("user") or {}
            if user.get("type") == "Bot":
                return dict(comment)
            login = login or _own_login(requester)
            if user.get("login") == login:
                return dict(comment)
        if len(found) < _PAGE:
            return None
    return None


def _own_login(requester: Requester) -> str:
    """Whose token this is; empty of an App's or a workflow's, which may not ask."""
    try:
        _, user = requester.requestJsonAndCheck("GET", "/user")
    except GithubException:
        return ""
    return str(user.get("login", "")) if isinstance(user, dict) else ""
