"""What the plan of the made-up shop is made of: people, orders, lines, parcels, returns, and when each thing was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shop_time import SHOP_ZONE

COUNTRY = {"Europe/Madrid": "ES", "Atlantic/Canary": "ES", "America/Mexico_City": "MX", "America/New_York": "US"}
NAMES = ("Ana", "Lucía", "Pablo", "Jorge", "Carmen", "Iria", "Xoán", "Marta", "Diego", "Sara", "Noa", "Hugo")


@dataclass(frozen=True)
class Fact:
    """Something that happened, and when the shop heard of it."""

    at: datetime
    known: datetime


@dataclass
class Product:
    """One row of products.csv. `tutorial`: whether it has one."""

    sku: str
    name: str
    category: str
    tutorial: bool


@dataclass
class Line:
    """One line of an order. `number` is its place; `parcel` the index of the parcel it travels in."""

    number: int
    product: Product
    price: Decimal
    parcel: int


@dataclass
class Parcel:
    """`names_lines` False: the carrier does not say what is inside. `delivered` None: the scan was lost for ever."""

    id: str
    names_lines: bool
    created: Fact | None
    in_transit: Fact | None
    delivered: Fact | None
    returned_to_sender: Fact | None = None
    scans: list[tuple[str, Fact]] = field(default_factory=list)
    """Further scans that must change nothing: (event type, when)."""


@dataclass
class Return:
    """`lines` None: the whole order, without saying so line by line. `settled`: refund completed or exchange made."""

    id: str
    lines: list[int] | None
    wants: str
    requested: Fact
    cancelled: Fact | None = None
    received: Fact | None = None
    settled: Fact | None = None
    new_line: Line | None = None


@dataclass
class Order:
    """One order and all that becomes of it; what did not happen is None."""

    id: str
    account: str | None
    """The customer_id under which it was placed; None for a guest."""
    email: str
    placed: Fact
    paid: Fact | None
    lines: list[Line]
    parcels: list[Parcel] = field(default_factory=list)
    cancelled: Fact | None = None
    refunded: Fact | None = None
    back: Return | None = None
    answered: Fact | None = None
    score: int = 0

    @property
    def total(self) -> Decimal:
        """What was paid, with shipping."""
        return sum((line.price for line in self.lines), Decimal("4.90"))


@dataclass
class Person:
    """`zone` None: nobody told the shop, so its own counts. `kind`: account, guest, joining (a guest who becomes an
    account), merged (two accounts that turn out to be one)."""

    number: int
    kind: str
    zone: str | None
    locale: str
    orders: list[Order] = field(default_factory=list)
    joined: Fact | None = None
    merged: Fact | None = None
    opted_in: bool = False
    """Said yes to marketing at the first checkout."""
    consented: Fact | None = None
    withdrawn: Fact | None = None
    objected: Fact | None = None
    back_in: Fact | None = None
    erased: Fact | None = None

    @property
    def account(self) -> str:
        """The customer_id."""
        return f"c-{self.number:04d}"

    @property
    def second_account(self) -> str:
        """The other customer_id of a merged person."""
        return f"c-{self.number:04d}-b"

    @property
    def accounts(self) -> list[str]:
        """Every customer_id of this person; a record of the past may tell either, once they are found to be one."""
        return [self.account, self.second_account] if self.kind == "merged" else [self.account]

    @property
    def email(self) -> str:
        """Where mail goes."""
        return f"{self.account}@example.com"

    @property
    def first_name(self) -> str:
        """For the greeting."""
        return NAMES[self.number % len(NAMES)]

    @property
    def clock(self) -> str:
        """The zone that counts for this person."""
        return self.zone or SHOP_ZONE
