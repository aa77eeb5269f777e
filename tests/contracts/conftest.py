"""The contracts run on real parts."""

from postventa.testing.fixtures import database, new_name, pytest_configure

__all__ = ["database", "new_name", "pytest_configure"]
