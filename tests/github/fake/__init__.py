"""A small, stateful fake of GitHub's REST API: a fake, because the real one cannot be started here.

It keeps what is written and answers from it, so that behaviour over time can be tested: checks that
follow the clock, a push in the middle of a sweep, limits, failures. Whether requests and answers
have the *form* that GitHub's own description gives them is tested against that description, by
Prism, elsewhere. Where GitHub's behaviour matters the fake follows its documentation: a completed
check run keeps its status and conclusion, an App may only update runs of its own.
"""

from tests.github.fake.server import FakeGitHub
from tests.github.fake.state import Repository

__all__ = ["FakeGitHub", "Repository"]
