"""What customers say and do: the Faust stream agent of topic `engagement` reads this; embedded,
`POST /v1/events?topic=engagement`.

Surveys, reviews, support, points, profile and consent. The help desk sends its own short records; everything else on
this topic comes in our own form and passes unchanged.
"""

from postventa.agents import agent

NOUNS = "survey review ticket claim customer points tier reward referral message visit service product campaign"
DESK = {"new": "ticket.opened", "reply": "ticket.replied", "solved": "ticket.closed"}


@agent(topic="engagement", schema=[f"{noun}.*" for noun in NOUNS.split()], key="customer_id")
def engagement(record):
    """Map the help desk's {"ticket", "status", "at", "from", "order_id", "topic"} to ticket.<what happened>."""
    if "type" in record:
        return record
    return {
        "id": f"{record['ticket']}-{record['status']}-{record['at']}",
        "source": "helpdesk",
        "type": DESK[record["status"]],
        "time": record["at"],
        "data": {
            "ticket_id": record["ticket"],
            "order_id": record.get("order_id"),
            "topic": record.get("topic"),
            "customer": {"email": record["from"]},
        },
    }
