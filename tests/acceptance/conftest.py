"""The real database that these tests may share with all others of a session."""

from postventa.testing.fixtures import database, dsn, new_name, pytest_configure

__all__ = ["database", "dsn", "new_name", "pytest_configure"]
