"""What only PostgreSQL can do wrong: values it cannot hold, locks, a server that goes away, rights, its tables."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parent))

from engine_shop import SHOP, T0, placed
from pooling import pooling

from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.errors import StoreBusy, StoreError
from postventa.store import postgres_schema
from postventa.store.base import CustomerWrite, DataRefused, DeadLetter, HistoryRow
from postventa.store.postgres import Limits, PostgresStore, schema_status, upgrade
from postventa.testing.database import Database

pytestmark = pytest.mark.postgres
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs" / "postgres.md"


@pytest.fixture
async def store(empty_postgres: Callable[[], Awaitable[PostgresStore]]) -> AsyncIterator[PostgresStore]:
    opened = await empty_postgres()
    await opened.open()
    yield opened
    await opened.close()


async def put(store: PostgresStore, customer_id: str, facts: dict) -> None:
    async with store.transaction() as tx:
        state = (await tx.lock_customers([customer_id]))[customer_id]
        after = state.fork()
        after.now, after.facts = NOON, facts
        row = HistoryRow(customer_id, tx.seq_of(customer_id) + 1, NOON, "timer", "r")
        await tx.save([CustomerWrite(state, after, (row,))])


# --- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("facts", [{"nul": "a\0b"}, {"\0": 1}, {"half": "\ud800"}, {"n": float("nan")}])
async def test_a_value_it_cannot_hold_is_the_batchs_fault(store, facts):
    with pytest.raises(DataRefused, match="cannot be written"):
        await put(store, "c1", facts)
    assert await store.views.customer("c1") is None
    await put(store, "c1", {"name": "ñ"})
    with pytest.raises(DataRefused):
        await put(store, "a\0b", {})


async def test_a_record_it_cannot_hold_is_buried_and_its_batch_goes_on(store):
    """Validation refuses NUL; were it to miss one, the others must not wait for ever."""
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    good, bad, other = (placed(name, customer_id=name, email=f"{name}@x.es") for name in ("ana", "ben", "eva"))
    bad = replace(bad, event=replace(bad.event, data={**bad.event.data, "note": "a\0b"}))
    answers = await take(engine, [good, bad, other], T0)
    assert [one.status for one in answers] == ["accepted", "rejected", "accepted"]
    (letter,) = await store.views.dead_letters()
    assert "\\u0000" in letter.record


async def test_a_dead_letter_is_kept_whatever_it_holds(store):
    letter = DeadLetter("or\0ders", "no \ud800", "{\0 ␀ \udfff ␀2400 ñ", NOON, "da\0ta", "i\0d")
    async with store.transaction() as tx:
        await tx.put_dead_letters([letter])
    (known,) = await store.views.dead_letters()
    assert (known.source, known.reason, known.record) == (letter.source, letter.reason, letter.record)
    assert (known.field, known.event_id) == (letter.field, letter.event_id)


async def test_after_a_failed_call_nothing_more_is_written(store):
    with pytest.raises(StoreError, match="a call of this transaction failed"):  # noqa: PT012
        async with store.transaction() as tx:
            await tx.set_control("before", "x")
            with pytest.raises(DataRefused):
                await tx.set_control("key", "\0")
            with pytest.raises(StoreError, match="this transaction is over"):
                await tx.set_control("after", "x")
    assert await store.views.control("before") is None


# --- locks -----------------------------------------------------------------------------------------------------------
async def test_a_lock_held_too_long_is_busy_and_due_customers_pass_over_it(database, schema, store):
    for name in ("c1", "c2"):
        await put(store, name, {})
    impatient = PostgresStore(database.dsn, schema=schema, limits=Limits(lock=timedelta(milliseconds=50)))
    await impatient.open()
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(f"update {schema}.customers set due_at = now()")
    await connection.close()
    async with store.transaction() as tx:
        await tx.lock_customers(["c1"])
        with pytest.raises(StoreBusy, match="holds these rows"):
            async with impatient.transaction() as other:
                await other.lock_customers(["c1"])
        async with impatient.transaction() as other:
            assert await other.due_customers(datetime.now(UTC) + timedelta(hours=1), 10) == ["c2"]
    await impatient.close()


async def test_workers_take_their_turns_at_what_one_at_a_time_does(database, schema, store):
    """Also when the work takes longer than a transaction may stand still; who dies leaves it to the others."""
    quick = Limits(idle_in_transaction=timedelta(milliseconds=300), patience=timedelta(0))
    other = PostgresStore(database.dsn, schema=schema, limits=quick)
    await other.open()
    with pytest.raises(StoreBusy):  # noqa: PT012
        async with other.alone("out") as theirs:
            await asyncio.sleep(0.7)
            async with store.alone("out") as ours:
                assert (theirs, ours) == (True, False)
            database.sql(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
                " and database = (select oid from pg_database where datname = current_database())"
            )
            async with store.alone("out") as ours:
                assert ours
    await other.close()


async def test_the_loser_of_two_batches_that_wait_for_each_other_tries_again_by_itself(database, schema, store):
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    for name in ("ana", "ben"):
        await take(engine, [placed(f"first-{name}", customer_id=name, email=f"{name}@x.es")], T0)
    rival = await asyncpg.connect(database.dsn)
    await rival.execute("set deadlock_timeout = '1min'")  # so that ours is the one that is ended
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    lock = f"select from {schema}.customers where customer_id = $1 for update"
    try:
        async with asyncio.timeout(20), rival.transaction():
            await rival.execute(lock, "ben")
            both = [placed(f"o-{one}", customer_id=one) for one in ("ana", "ben")]
            ours = asyncio.create_task(take(engine, both, T0))
            while not await rival.fetchval(waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await rival.execute(lock, "ana")
    finally:
        await rival.close()
    assert [one.status for one in await ours] == ["accepted", "accepted"]


async def test_workers_that_look_at_the_same_moment_take_different_due_customers(database, schema, store):
    """Any of the oldest, not the oldest: and nobody who is not among them, so that none waits for ever."""
    database.sql(
        f"insert into {schema}.customers (customer_id, due_at)"
        f" select 'c' || lpad(n::text, 4, '0'), '{NOON}'::timestamptz + n * interval '1 second'"
        " from generate_series(1, 400) as n"
    )
    looks = []
    for _ in range(2):
        async with store.transaction() as tx:
            looks.append(await tx.due_customers(NOON + timedelta(hours=1), 20))
    assert looks[0] != looks[1]
    for taken in looks:
        assert len(taken) == 20
        assert taken == sorted(taken)
        assert taken[-1] <= "c0200"


async def test_two_that_wait_for_each_other_are_parted_and_both_finish_at_the_second_try(store):
    tries = []

    async def both(first: str, second: str, met: asyncio.Barrier) -> None:
        for number in (1, 2):
            try:
                async with store.transaction() as tx:
                    await tx.order_owners([first])
                    if number == 1:
                        await met.wait()
                    await tx.order_owners([second])
                    await tx.set_order_owners({first: "c", second: "c"})
            except StoreBusy:
                continue
            tries.append(number)
            return

    met = asyncio.Barrier(2)
    await asyncio.gather(both("o-1", "o-2", met), both("o-2", "o-1", met))
    assert sorted(tries) == [1, 2]


async def test_someone_merged_away_while_another_waited_is_made_anew(store):
    await put(store, "old", {"n": 1})
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def merging() -> None:
        async with store.transaction() as tx:
            await tx.lock_customers(["into", "old"])
            locked.set()
            await go_on.wait()
            await tx.merge("into", "old")

    async def waiting() -> dict:
        await locked.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        async with store.transaction() as tx:
            return (await tx.lock_customers(["old"]))["old"].facts

    _, facts = await asyncio.gather(merging(), waiting())
    assert facts == {}


# --- a server that goes away ------------------------------------------------------------------------------------------
@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Database]:
    with Database.start(tmp_path / "server", own=True) as server:
        yield server


async def test_a_server_that_was_away_is_found_again_and_nothing_is_half_written(own_server):
    await upgrade(own_server.dsn)
    store = PostgresStore(own_server.dsn, limits=Limits(patience=timedelta(seconds=30)))
    await store.open()
    await put(store, "c1", {"n": 1})
    with pytest.raises(StoreBusy):  # noqa: PT012
        async with store.transaction() as tx:
            await tx.set_control("half", "done")
            await asyncio.to_thread(own_server.restart)
            await tx.set_control("more", "done")
    assert await store.views.control("half") is None
    await put(store, "c1", {"n": 2})
    assert (await store.views.customer("c1")).facts == {"n": 2}
    await asyncio.to_thread(own_server.stop)
    away = PostgresStore(own_server.dsn, limits=Limits(patience=timedelta(0)))
    with pytest.raises(StoreBusy, match="does not answer") as busy:
        await away.open()
    assert urlsplit(own_server.dsn).password not in str(busy.value)
    await store.close()


async def test_who_cannot_come_in_is_told_why(database, schema):
    parts = urlsplit(database.dsn)
    wrong = parts._replace(netloc=f"nobody:x@{parts.hostname}:{parts.port}").geturl()
    with pytest.raises(StoreError, match="refuses"):
        await PostgresStore(wrong, schema=schema).open()
    with pytest.raises(StoreError, match="no such database"):
        await PostgresStore(parts._replace(path="/nowhere").geturl(), schema=schema).open()
    with pytest.raises(StoreError, match="no address of a database"):
        await PostgresStore("mysql://x", schema=schema).open()
    with pytest.raises(StoreError, match="no tables yet") as refused:
        await PostgresStore(database.dsn, schema="nothing_here").open()
    assert "postventa db upgrade" in refused.value.mend


# --- tables ----------------------------------------------------------------------------------------------------------
async def test_many_upgrade_at_once_and_each_migration_is_applied_once(dsn):
    applied = await asyncio.gather(*(upgrade(dsn, "shop") for _ in range(4)))
    names = [name for _, name, _ in postgres_schema.migrations()]
    assert sorted(name for part in applied for name in part) == names
    told = await schema_status(dsn, "shop")
    assert (told.missing, [name for _, name, _ in told.applied]) == ((), names)


async def test_migrations_come_in_order_and_a_failed_one_leaves_nothing(dsn, monkeypatch):
    known = postgres_schema.migrations()
    number = known[-1][0]
    good = (number + 1, f"{number + 1:04}_good", "create table later (x int); insert into later values (1);")
    bad = (number + 2, f"{number + 2:04}_bad", "create table half (x int); this is not SQL;")
    await upgrade(dsn)
    monkeypatch.setattr(postgres_schema, "migrations", lambda: [*known, good, bad])
    with pytest.raises(StoreError, match="needs schema"):
        await PostgresStore(dsn).open()
    with pytest.raises(StoreError, match="syntax error"):
        await upgrade(dsn)
    told = await schema_status(dsn)
    assert (told.number, [one for one, _ in told.missing]) == (number + 1, [number + 2])
    monkeypatch.setattr(postgres_schema, "migrations", lambda: known)
    with pytest.raises(StoreError, match="this postventa knows") as refused:
        await PostgresStore(dsn).open()
    assert "newer" in refused.value.mend


async def test_a_foreign_schema_is_left_alone(dsn):
    connection = await asyncpg.connect(dsn)
    await connection.execute("create schema theirs; create table theirs.things (x int)")
    await connection.close()
    with pytest.raises(StoreError, match="belongs to another program"):
        await upgrade(dsn, "theirs")


async def test_the_role_of_the_docs_can_run_the_engine_and_make_nothing(dsn, database, new_name):
    """The GRANTs that docs/postgres.md shows, run as they stand there but for the names."""
    app, reader = new_name("app"), new_name("reader")
    sql = DOCS.read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    sql = sql.replace("postventa_app", app).replace("postventa_reader", reader).replace("'…'", "'secret'")
    owner = await asyncpg.connect(dsn)
    try:
        await upgrade(dsn)
        await owner.execute(sql)
        store = PostgresStore(_as(dsn, app))
        await store.open()
        await put(store, "c1", {"n": 1})
        async with store.transaction() as tx:
            await tx.put_dead_letters([DeadLetter("http", "bad", "{}", NOON)])
            await tx.lock_customers(["c1"])
            await tx.erase("c1", ["marker"], NOON)
        await store.prune(["trace", "messages", "history", "events", "audit"], NOON)
        await store.close()
        with pytest.raises(StoreError, match="may not do that"):
            await upgrade(_as(dsn, app), "another")
        looking = PostgresStore(_as(dsn, reader), readonly=True)
        await looking.open()
        assert (await looking.views.counts(NOON))["erased"] == 1
        await looking.close()
        writing = PostgresStore(_as(dsn, reader))
        await writing.open()
        with pytest.raises(StoreError, match="may not do that"):
            await put(writing, "c1", {})
        await writing.close()
    finally:
        await owner.execute(f"drop owned by {app}, {reader}; drop role {app}, {reader}")
        await owner.close()


def _as(dsn: str, role: str) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{role}:secret@{parts.hostname}:{parts.port}").geturl()


# --- a proxy, an operator, a plan -------------------------------------------------------------------------------------
async def test_behind_a_proxy_that_gives_each_transaction_another_connection(tmp_path):
    trusting = tmp_path / "hba.conf"
    trusting.write_text("host all all 127.0.0.1/32 trust\n")
    settings = {"hba_file": str(trusting), "fsync": "off"}
    with Database.start(tmp_path / "server", settings=settings, own=True) as server:
        parts = urlsplit(server.dsn)
        await upgrade(server.dsn)
        async with pooling(parts.hostname, parts.port) as (proxy, port):
            through = parts._replace(netloc=f"postgres@127.0.0.1:{port}").geturl()
            pooled = PostgresStore(through, pooled=True)
            await pooled.open()
            await asyncio.gather(*(put(pooled, f"c{number}", {"n": number}) for number in range(12)))
            for number in range(12):
                assert (await pooled.views.customer(f"c{number}")).facts == {"n": number}
            assert await upgrade(through) == []
            assert proxy.turns > 24
            await pooled.close()
            plain = PostgresStore(through, limits=Limits(writers=1))
            with pytest.raises(StoreError, match="prepared statement"):  # noqa: PT012
                await plain.open()
                for _ in range(6):
                    await put(plain, "c1", {})
            await plain.close()


async def test_an_operator_reads_it_with_psql(database, schema, store):
    await put(store, "c1", {"email": "ana@x.es", "address": {"city": "Málaga"}})
    sql = f"select facts -> 'address' ->> 'city', now at time zone 'UTC' from {schema}.customers"
    assert database.sql(sql) == "Málaga|2026-11-22 12:00:00"
    assert database.sql(f"select count(*) from {schema}.status") == "2"


async def test_the_due_scan_and_the_claim_read_an_index_and_never_the_table(database, schema, store):
    # A shop of a size at which an index pays: on empty tables the planner may take whatever it likes.
    database.sql(f"""
        insert into {schema}.customers (customer_id, now, due_at) select 'c' || n, '{NOON}',
            case when n % 100 = 0 then timestamptz '{NOON}' end from generate_series(1, 20000) as n;
        insert into {schema}.outbox (effect_id, customer_id, kind, state, created_at, priority, duplicates, run_ids,
            round, context, lease_until, sending_at)
        select 'e' || n, 'c' || n, case when n % 500 = 7 then 'event' else 'message' end,
            case n % 500 when 0 then 'pending' when 1 then 'claimed' when 2 then 'sending' when 7 then 'pending'
                else 'sent' end, '{NOON}', 1, 'once', '[]', 0, '{{}}', now() + n * interval '1 second',
            now() - n * interval '1 second' from generate_series(1, 20000) as n""")
    database.sql(f"vacuum (analyze) {schema}.customers, {schema}.outbox")
    asked: list[tuple[str, tuple]] = []
    async with store.transaction() as tx:
        fetch = tx._connection.fetch

        class Noting:
            def __getattr__(self, name):
                return getattr(tx_connection, name)

            async def fetch(self, statement, *values):
                asked.append((statement, values))
                return await fetch(statement, *values)

        tx_connection, tx._connection = tx._connection, Noting()
        await tx.due_customers(NOON, 100)
        await tx.claimable(NOON, 100, ["journey:x"])
        await tx.in_doubt(timedelta(minutes=1), 10)
        await tx.pending_events(10)
        plans = [await tx_connection.fetch(f"explain (format json) {one}", *values) for one, values in asked]
    used = " ".join(json.dumps(plan[0][0]) for plan in plans)
    for index in ("customers_due", "outbox_pending", "outbox_claimed", "outbox_sending", "outbox_events"):
        assert index in used, index
