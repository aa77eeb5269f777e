"""The real parts that kill tests may share; those that are killed themselves are started by their tests."""

from postventa.testing.fixtures import broker, database, dsn, new_name, pytest_configure, topic_prefix

__all__ = ["broker", "database", "dsn", "new_name", "pytest_configure", "topic_prefix"]
