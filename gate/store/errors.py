"""What can be wrong with the store, apart from what the caller wrote.

A bad DSN, schema name or argument is `gate.core.problems.InputError`; these two say that nothing
could be decided or recorded. Neither needs psycopg, so that every door can name them.
"""


class StoreUnavailable(Exception):  # noqa: N818 - the reason code is `store-unavailable`
    """The database cannot be reached, or broke off: the answer is *undecided*, never *allow*."""


class StoreOutdated(StoreUnavailable):
    """The database answers, but migrations that this release needs are missing there."""
