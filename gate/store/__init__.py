"""PostgreSQL: where the truth of the product is kept, how it is reached and how it changes shape.

Only the errors are imported here; the database driver takes longer to load than a decision.
"""

from gate.store.errors import StoreOutdated, StoreUnavailable

__all__ = ["StoreOutdated", "StoreUnavailable"]
