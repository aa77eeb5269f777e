"""What the database's errors mean to us, where no database can be made to raise them."""

from __future__ import annotations

import asyncpg
import pytest

from postventa.errors import StoreBusy
from postventa.store.postgres_errors import is_away, telling


def test_a_connection_lost_in_the_middle_of_a_query_is_tried_again() -> None:
    """asyncpg tells it so when the server dies between preparing a statement and running it."""
    lost = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert is_away(lost)
    with pytest.raises(StoreBusy, match="does not answer"), telling("here"):
        raise lost
