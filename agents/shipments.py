"""Parcels leaving: the Faust stream agent of topic `shipments` reads this; embedded, `POST /v1/events?topic=shipments`.

The warehouse tells when a parcel is labelled, leaves or gets another date. Events in our own form pass unchanged.
"""

from postventa.agents import agent

STATES = {
    "labelled": "shipment.created",
    "left": "shipment.in_transit",
    "late": "shipment.delayed",
    "new_date": "shipment.eta_changed",
}


@agent(topic="shipments", schema="shipment.*", key="order_id")
def shipments(record):
    """Map {"parcel", "order_id", "state", "at", "lines", "carrier", "link", "expected"} to shipment.<state>."""
    if "type" in record:
        return record
    facts = {"line_ids": "lines", "carrier": "carrier", "tracking_url": "link", "eta": "expected"}
    return {
        "id": f"{record['parcel']}-{record['state']}-{record['at']}",
        "source": "warehouse",
        "type": STATES[record["state"]],
        "time": record["at"],
        "data": {
            "shipment_id": record["parcel"],
            "order_id": record["order_id"],
            **{ours: record[theirs] for ours, theirs in facts.items() if theirs in record},
        },
    }
