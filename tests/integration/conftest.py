"""A real broker and a real database for the tests of this folder."""

from postventa.testing.fixtures import broker, database, dsn, new_name, pytest_configure, topic_prefix

__all__ = ["broker", "database", "dsn", "new_name", "pytest_configure", "topic_prefix"]
