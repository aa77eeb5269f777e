"""`/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts and stops processes. No personal data in any.

Counters are what this process did (`engine.meters`), gauges what the store tells at the scrape. docs/runbook.md has an
entry for every alert that is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.responses import PlainTextResponse, Response

from postventa import __version__
from postventa.engine.meters import Meters
from postventa.web.http import Json
from postventa.web.watching import Look, Watcher, age

BATCHES = "postventa_batch"


def add_metrics(app: FastAPI, watcher: Watcher, meters: Meters) -> None:
    """Add the routes."""

    @app.get("/healthz")
    async def alive() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def ready() -> Response:
        """200 when events are taken and mail may leave, else 503; `reasons` tells why not."""
        look = await watcher.look()
        facts = {"ready": not look.reasons, "reasons": look.reasons}
        return Json(facts, 200 if facts["ready"] else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus' text format."""
        return Response(exposition(meters, await watcher.look()), media_type=CONTENT_TYPE_PLAIN_1_0_0)


def probes_app(watcher: Watcher, meters: Meters) -> FastAPI:
    """An application with nothing but these, for a process without pages."""
    app = FastAPI(title="postventa", docs_url=None, redoc_url=None, openapi_url=None)
    add_metrics(app, watcher, meters)
    return app


def exposition(meters: Meters, look: Look) -> bytes:
    """All metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Once([*_counted(meters), *_seen(look)]))
    return generate_latest(registry)


class _Once:
    """Gives prepared families to one registry: nothing is kept from scrape to scrape, nothing is global."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        yield from self._families


# --- what this process did -------------------------------------------------------------------------------------------
def _counted(meters: Meters) -> Iterator[Metric]:
    info = GaugeMetricFamily("postventa_build", "Always 1; the version that runs.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    events = CounterMetricFamily(
        "postventa_events", "Records taken in, by topic and what became of them.", labels=["topic", "outcome"]
    )
    for labels, count in sorted(meters.events.items()):
        events.add_metric(labels, count)
    yield events
    sends = CounterMetricFamily(
        "postventa_sends", "Attempts to hand over a message, by how they ended.", labels=["channel", "result"]
    )
    for labels, count in sorted(meters.sends.items()):
        sends.add_metric(labels, count)
    yield sends
    for name, unit, spread in (
        ("events", "Records in one committed batch.", meters.batch_events),
        ("seconds", "Seconds from the start of a batch to its commit.", meters.batch_seconds),
    ):
        yield HistogramMetricFamily(f"{BATCHES}_{name}", unit, buckets=spread.buckets(), sum_value=spread.total)
    yield _gauge("commit_age_seconds", "Seconds since the last batch was committed.", age(meters.committed_at))
    last = GaugeMetricFamily("postventa_last_event_age_seconds", "The same for each topic.", labels=["topic"])
    for topic, at in sorted(meters.last_at.items()):
        last.add_metric([topic], age(at) or 0.0)
    yield last
    yield CounterMetricFamily(
        "postventa_offset_gaps", "Records that were in a topic and were never read. Must stay 0.", value=meters.gaps
    )


# --- what the store tells --------------------------------------------------------------------------------------------
def _seen(look: Look) -> Iterator[Metric]:
    yield _gauge("store_up", "1 when the store answers.", not look.trouble)
    yield _gauge(
        "intake_caught_up", "1 when timers and mail may run: nothing older is still to be read.", look.caught_up
    )
    if look.trouble:
        return
    yield _gauge("release_live", "1 when a release is published.", look.release is not None)
    yield _gauge("heartbeat_age_seconds", "Seconds since any engine last wrote its pulse.", age(look.heartbeat))
    yield _by(
        "paused", "1 for everything an operator has stopped.", ["scope"], [([one.scope], 1) for one in look.pauses]
    )
    lag = [([topic, str(partition)], count) for (topic, partition), count in sorted(look.lag.items())]
    yield _by("lag_events", "Records still to be read.", ["topic", "partition"], lag)
    waits = [([topic, str(partition)], age(at) or 0.0) for (topic, partition), at in sorted(look.oldest.items())]
    yield _by("lag_oldest_age_seconds", "How long the first of them has waited.", ["topic", "partition"], waits)
    found = look.gauges
    yield _gauge("due_customers", "Customers with something to do within the hour.", found["due_soon"])
    yield _gauge("overdue_customers", "Customers whose time has come and who were not looked at yet.", found["overdue"])
    oldest = age(found["oldest_due"], look.now) or 0.0
    yield _gauge("overdue_oldest_age_seconds", "How long the first of them has waited.", oldest)
    outbox = [([row["kind"], row["state"]], row["count"]) for row in found["outbox"]]
    yield _by("outbox", "What is on its way out, by kind and state.", ["kind", "state"], outbox)
    pending = age(found["oldest_pending"], look.now) or 0.0
    yield _gauge("outbox_oldest_age_seconds", "How long the first message waits that could leave.", pending)
    uncertain = sum(row["count"] for row in found["outbox"] if row["state"] == "uncertain")
    yield _gauge("uncertain_messages", "Mails of which nobody knows whether they left.", uncertain)
    yield _gauge("parked_runs", "Runs that failed and wait for an operator.", found["parked"])
    yield _gauge("dead_letters", "Records that could not be used.", found["dead_letters"])
    yield _gauge("waiting_events", "Events that wait for their order.", found["waiting"])


def _gauge(name: str, help_: str, value: float | None) -> Metric:
    """One number; without a sample where there is nothing to tell yet."""
    family = GaugeMetricFamily(f"postventa_{name}", help_)
    if value is not None:
        family.add_metric([], float(value))
    return family


def _by(name: str, help_: str, labels: list[str], rows: Sequence[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"postventa_{name}", help_, labels=labels)
    for row, count in rows:
        family.add_metric(row, count)
    return family
