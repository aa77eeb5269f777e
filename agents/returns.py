"""Returns, exchanges and refunds: the Faust stream agent of topic `returns`; embedded, `POST /v1/events?topic=returns`.

The returns portal sends one record per step of a return. Events in our own form pass unchanged.
"""

from postventa.agents import agent

STEPS = {
    "asked": "return.requested",
    "label": "return.label_created",
    "pickup": "return.pickup_booked",
    "sent": "return.in_transit",
    "received": "return.received",
    "closed": "return.closed",
    "withdrawn": "return.cancelled",
}


@agent(topic="returns", schema=("return.*", "refund.*", "exchange.*", "withdrawal.*"), key="order_id")
def returns(record):
    """Map {"rma", "order_id", "step", "at", "lines", "reason", "wants", "label_url", "pickup_at"} to return.<step>."""
    if "type" in record:
        return record
    names = {"lines": "line_ids"}  # the portal's word: ours; the others are the same
    portal = ("lines", "reason", "wants", "label_url", "pickup_at")
    told = {names.get(word, word): record[word] for word in portal if word in record}
    return {
        "id": f"{record['rma']}-{record['step']}",
        "source": "returns-portal",
        "type": STEPS[record["step"]],
        "time": record["at"],
        "data": {"return_id": record["rma"], "order_id": record["order_id"], **told},
    }
