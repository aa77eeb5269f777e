"""Orders: the Faust stream agent of topic `orders` reads this; embedded, `POST /v1/events?topic=orders` does.

The shop sends one record per change of an order. Write here what yours sends; events in our own form pass unchanged.
"""

from postventa.agents import agent

CHANGES = {
    "created": "order.placed",
    "paid": "order.paid",
    "packing": "order.in_preparation",
    "shipped": "order.fulfilled",
    "cancelled": "order.cancelled",
    "refunded": "order.refunded",
}


@agent(topic="orders", schema="order.*", key="order_id")
def orders(record):
    """Map {"change", "changed_at", "order_id", "order": {…}} to order.<what happened>."""
    if "type" in record:
        return record
    if record["change"] not in CHANGES:
        return None  # an internal note: nothing a customer would feel
    return {
        "id": f"{record['order_id']}-{record['change']}",
        "source": "shop",
        "type": CHANGES[record["change"]],
        "time": record["changed_at"],
        "data": {"order_id": record["order_id"], **record.get("order", {})},
    }
