"""Carrier scans: the Faust stream agent of topic `deliveries` reads this; embedded, `POST /v1/events?topic=deliveries`.

Carriers repeat themselves and come late; that is no trouble, the engine counts each scan once and never goes back.
"""

from postventa.agents import agent

SCANS = {
    "InTransit": "shipment.in_transit",
    "OutForDelivery": "shipment.out_for_delivery",
    "AttemptFail": "shipment.attempt_failed",
    "AvailableForPickup": "shipment.available_for_pickup",
    "Delivered": "shipment.delivered",
    "Exception": "shipment.exception",
    "Expired": "shipment.expired",
}


@agent(topic="deliveries", schema=("shipment.*", "order.delivered"), key="order_id")
def deliveries(record):
    """Map {"scan_id", "tag", "checkpoint_time", "parcel", "order_id", "message"} to shipment.<tag>."""
    if "type" in record:
        return record
    if record["tag"] not in SCANS:
        return None  # "Pending" and "InfoReceived": the parcel has not moved
    return {
        "id": record["scan_id"],
        "source": "carrier",
        "type": SCANS[record["tag"]],
        "time": record["checkpoint_time"],
        "data": {"shipment_id": record["parcel"], "order_id": record["order_id"], "reason": record.get("message")},
    }
