"""The plan of a made-up shop: who buys what, when it really happens, and when the shop gets to hear of it.

Everything else is derived from here: `shop_events` tells it as events, `shop_must` says what has to follow from it.
The same seed gives the same plan.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from shop_things import Fact, Line, Order, Parcel, Person, Product, Return
from shop_time import SHOP_ZONE, resolve

START = datetime(2024, 1, 2, tzinfo=UTC)
ZONES = ("Europe/Madrid", "Atlantic/Canary", "America/Mexico_City", "America/New_York")
CHANGES = {
    "Europe/Madrid": ("2024-03-31T02", "2024-10-27T02", "2025-03-30T02", "2025-10-26T02"),
    "Atlantic/Canary": ("2024-03-31T01", "2024-10-27T01", "2025-03-30T01", "2025-10-26T01"),
    "America/New_York": ("2024-03-10T02", "2024-11-03T01", "2025-03-09T02", "2025-11-02T01"),
    "America/Mexico_City": (),
}
"""The local hour that is skipped or comes twice, per zone. Mexico has given up changing its clocks."""


def products() -> list[Product]:
    """What products.csv beside this file lists."""
    with Path(__file__).with_name("products.csv").open(encoding="utf-8", newline="") as file:
        return [
            Product(row["sku"], row["name"], row["category"], bool(row["tutorial_url"])) for row in csv.DictReader(file)
        ]


def plan(seed: int, customers: int, months: int) -> list[Person]:
    """Everybody's story. `months` is how long people keep ordering; what follows from an order may end later."""
    rng = Random(seed)
    maker = _Maker(rng, products(), START + timedelta(days=30.4 * months))
    return [maker.person(number) for number in range(1, customers + 1)]


class _Maker:
    """Draws the stories. One generator of random numbers, asked in a fixed order."""

    def __init__(self, rng: Random, catalogue: list[Product], end: datetime) -> None:
        self.rng = rng
        self.catalogue = catalogue
        self.end = end
        self.orders = 0

    # --- people
    def person(self, number: int) -> Person:
        """One person and all their orders."""
        rng = self.rng
        kind = rng.choices(("account", "guest", "joining", "merged"), (82, 8, 8, 2))[0]
        zone: str | None = rng.choices(ZONES, (58, 16, 10, 16))[0]
        if kind in {"guest", "joining"} or (zone == SHOP_ZONE and rng.random() < 0.4):
            zone = None
        person = Person(number, kind, zone, "en" if zone == "America/New_York" else "es")
        count = rng.choices((1, 2, 3, 4, 5), (50, 26, 13, 7, 4))[0]
        if kind in {"joining", "merged"}:
            count = max(count, 2)
        moment = self.first_moment(person.clock)
        while count and moment < self.end:
            person.orders.append(self.order(person, moment))
            moment += timedelta(days=rng.choice((4, 9, 20, 35, 58, 63, 75, 110)), seconds=rng.randrange(86400))
            count -= 1
        self.wishes(person)
        return person

    def first_moment(self, zone: str) -> datetime:
        """Any time; often shortly before the clocks change, because that is where engines go wrong."""
        rng = self.rng
        changes = [day for day in CHANGES[zone] if START < _utc(day) < self.end]
        if changes and rng.random() < 0.45:
            return max(START, _utc(rng.choice(changes)) - timedelta(seconds=rng.randrange(12 * 86400)))
        return START + timedelta(seconds=rng.randrange(int((self.end - START).total_seconds())))

    def wishes(self, person: Person) -> None:
        """Consent, objection, erasure; the day a guest makes an account, the day two accounts are found to be one."""
        rng = self.rng
        first = person.orders[0].placed.known

        def later(days: int) -> datetime:
            return first + timedelta(hours=1, seconds=rng.randrange(days * 86400))

        person.opted_in = rng.random() < 0.5
        if not person.opted_in and rng.random() < 0.2:
            person.consented = self.heard(later(40), 0)
        if person.opted_in and rng.random() < 0.1:
            person.withdrawn = self.heard(later(70), 0)
        elif rng.random() < 0.09:
            person.objected = self.heard(later(25), 0.15, 24)
            if rng.random() < 0.2:
                person.back_in = self.heard(person.objected.known + timedelta(days=rng.randrange(20, 90)), 0)
        elif person.kind == "account" and rng.random() < 0.012:
            person.erased = self.heard(later(30), 0)
            person.orders = [order for order in person.orders if order.placed.known < person.erased.at]
        if person.kind == "joining" and len(person.orders) == 1:
            person.joined = self.heard(later(20), 0)
        if person.kind == "merged":
            person.merged = self.heard(later(60), 0)

    # --- orders
    def order(self, person: Person, moment: datetime) -> Order:
        """One order, from the basket to whatever became of it."""
        rng = self.rng
        self.orders += 1
        account: str | None = person.account
        email = person.email
        if person.kind == "guest" or (person.kind == "joining" and not person.orders):
            account = None
        if person.kind == "merged" and len(person.orders) == 1:
            account, email = person.second_account, f"{person.second_account}@example.com"
        count = rng.choices((1, 2, 3), (55, 32, 13))[0]
        chosen = rng.sample(self.catalogue, count)
        lines = [Line(n, product, self.price(product), 0) for n, product in enumerate(chosen, 1)]
        placed = self.heard(moment, 0.02, 2)
        order = Order(f"o-{self.orders:05d}", account, email, placed, None, lines)
        if rng.random() < 0.03:  # never paid: given up after some days
            order.cancelled = self.heard(moment + timedelta(days=rng.randrange(2, 6), seconds=rng.randrange(9999)), 0)
            return order
        order.paid = self.heard(moment + timedelta(seconds=rng.randrange(60, 7200)), 0.04, 20)
        if rng.random() < 0.05:  # cancelled before anything was sent
            order.cancelled = self.heard(order.paid.known + timedelta(hours=rng.uniform(0.5, 20)), 0.1, 9)
            return order
        self.parcels(order, person.clock)
        delivered = self.arrived(order)
        if delivered is None:
            return order
        self.aftermath(order, delivered)
        return order

    def price(self, product: Product) -> Decimal:
        """Paper is cheap: alone it stays under what starts a journey."""
        if product.category == "paper":
            return Decimal(self.rng.randrange(200, 900)) / 100
        return Decimal(self.rng.randrange(1290, 9990)) / 100

    def parcels(self, order: Order, zone: str) -> None:
        """One parcel, or two; some say what is inside, some are lost, some go back."""
        rng = self.rng
        assert order.paid is not None
        split = len(order.lines) > 1 and rng.random() < 0.4
        named = rng.random() < 0.7
        for index in range(2 if split else 1):
            left = self.departure(order.paid.at, zone) + timedelta(hours=rng.uniform(0, 70) * index)
            order.parcels.append(self.parcel(f"{order.id}-p{index + 1}", left, named))
        for line in order.lines[1:]:
            line.parcel = rng.randrange(len(order.parcels)) if line.number > 2 else len(order.parcels) - 1
        if split and not named:
            for parcel in order.parcels:  # announced together, or the first would look like the whole order
                parcel.created = self.heard(order.paid.at + timedelta(minutes=rng.randrange(5, 50)), 0)
        if not split and rng.random() < 0.03:
            self.turn_back(order)

    def departure(self, paid: datetime, zone: str) -> datetime:
        """When the carrier takes it. Now and then ten days before the very hour in which the clocks change."""
        rng = self.rng
        for change in CHANGES[zone]:
            night = datetime.fromisoformat(change) + timedelta(minutes=rng.randrange(1, 59), seconds=rng.randrange(60))
            before = resolve(night - timedelta(days=10), zone)
            if timedelta(hours=6) < before - paid < timedelta(days=6) and rng.random() < 0.5:
                return before
        return paid + timedelta(hours=rng.uniform(4, 70))

    def parcel(self, name: str, left: datetime, named: bool) -> Parcel:
        """One journey of one parcel, with the scans the carrier makes too often."""
        rng = self.rng
        in_transit = self.heard(left, 0.05, 60)
        fate = rng.random()
        days = rng.uniform(9.2, 17) if fate < 0.12 else rng.uniform(0.6, 6)
        arrived = left + timedelta(days=days)
        delivered = None if fate > 0.96 else self.heard(arrived, 0.09, 150)
        parcel = Parcel(name, named, None, None if rng.random() < 0.03 else in_transit, delivered)
        if in_transit.known == in_transit.at and rng.random() < 0.15:
            again = in_transit.at + (arrived - left) * rng.uniform(0.2, 0.7)
            parcel.scans.append(("shipment.in_transit", Fact(again, again)))
        if in_transit.known < arrived - timedelta(hours=3) and rng.random() < 0.3:
            out = arrived - timedelta(hours=rng.uniform(1, 2.5))
            parcel.scans.append(("shipment.out_for_delivery", Fact(out, out)))
        if delivered and rng.random() < 0.03:
            again = delivered.known + timedelta(hours=rng.uniform(1, 30))
            parcel.scans.append(("shipment.delivered", Fact(again, again)))
        return parcel

    def turn_back(self, order: Order) -> None:
        """Nobody took it: it goes back, and most such orders are then cancelled."""
        rng, parcel = self.rng, order.parcels[0]
        left = parcel.in_transit
        if left is None:
            return
        parcel.delivered, parcel.scans = None, []
        turned = left.known + timedelta(days=rng.uniform(2, 9))
        parcel.returned_to_sender = self.heard(turned, 0)
        order.cancelled = self.heard(turned + timedelta(days=rng.uniform(0.1, 3)), 0)

    def arrived(self, order: Order) -> Fact | None:
        """When the last parcel came, if all came and the shop heard of each as it happened."""
        facts = [parcel.delivered for parcel in order.parcels]
        if any(fact is None or fact.at != fact.known for fact in facts):
            return None
        return max((fact for fact in facts if fact), key=lambda fact: fact.at)

    # --- after the delivery
    def aftermath(self, order: Order, delivered: Fact) -> None:
        """Answers, goodwill refunds, orders called off on arrival, returns. Only for orders whose scans are in time:
        the rest is hard enough."""
        rng, chance = self.rng, self.rng.random()
        if chance < 0.48:
            days = rng.uniform(0.1, 1.4) if rng.random() < 0.06 else rng.uniform(2.2, 8)
            order.answered = self.heard(delivered.at + timedelta(days=days), 0)
            order.score = rng.choices((1, 2, 3, 4, 5), (6, 6, 13, 30, 45))[0]
        if rng.random() < 0.04:
            regret = self.heard(delivered.at + timedelta(hours=rng.uniform(3, 70)), 0)
            order.cancelled, order.refunded = (regret, None) if rng.random() < 0.4 else (None, regret)
        elif rng.random() < 0.17:
            order.back = self.give_back(order, delivered)

    def give_back(self, order: Order, delivered: Fact) -> Return:
        """A return: in the shop within hours, by post within weeks, or announced and never sent."""
        rng = self.rng
        partial = len(order.lines) > 1 and rng.random() < 0.65
        lines = (
            sorted(rng.sample([line.number for line in order.lines], rng.randrange(1, len(order.lines))))
            if partial
            else None
        )
        wants = rng.choices(("refund", "exchange", "credit"), (60, 30, 10))[0] if partial else "refund"
        asked = delivered.at + timedelta(hours=rng.uniform(1, 120))
        back = Return(f"r-{order.id}", lines, wants, self.heard(asked, 0.05, 10))
        fate = rng.random()
        if fate < 0.1:
            back.cancelled = self.heard(back.requested.known + timedelta(days=rng.uniform(0.2, 12)), 0)
            return back
        if fate < 0.2:  # asked for and never sent
            return back
        travel = timedelta(hours=rng.uniform(0.5, 8)) if fate < 0.55 else timedelta(days=rng.uniform(2, 18))
        back.received = self.heard(back.requested.known + travel, 0)
        if fate > 0.95:
            return back
        back.settled = self.heard(back.received.at + timedelta(days=rng.uniform(0.3, 11)), 0)
        if wants == "exchange":
            self.exchange(order, back)
        elif lines is None:
            order.refunded = self.heard(back.settled.at + timedelta(minutes=1), 0)
        return back

    def exchange(self, order: Order, back: Return) -> None:
        """Another article instead, in a parcel of its own."""
        assert back.settled is not None
        product = self.rng.choice(self.catalogue)
        back.new_line = Line(len(order.lines) + 1, product, self.price(product), len(order.parcels))
        left = back.settled.at + timedelta(hours=self.rng.uniform(4, 40))
        parcel = self.parcel(f"{order.id}-p{len(order.parcels) + 1}", left, True)
        order.parcels.append(parcel)

    def heard(self, at: datetime, share: float, hours: float = 0) -> Fact:
        """A fact; in `share` of the cases the shop hears of it up to `hours` later."""
        at = at.replace(microsecond=0)
        if self.rng.random() < share:
            return Fact(at, at + timedelta(seconds=round(hours * 3600 * self.rng.uniform(0.01, 1) ** 2) + 1))
        return Fact(at, at)


def _utc(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
