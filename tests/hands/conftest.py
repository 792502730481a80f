"""A migrated schema of its own for each test that asks for one."""

from tests.schemas import connection, where

__all__ = ["connection", "where"]
