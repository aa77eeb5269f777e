"""The words of the journey language, as tables: every key of every verb, every condition word.

The reader, the JSON Schema (`schemas/journey.v1.json`) and the reference (`docs/journeys.md`) all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGE = 1
"""Counts up when the same file would mean something else."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key beside a verb. `kind` says how its value is read; `choices` are the words it takes, if only those."""

    kind: str
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    needs: str = ""
    """Another key without which this one means nothing."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What a step does. `object` is what stands behind the verb; `derives` means the step's id comes from it."""

    object: Key
    doc: str
    keys: Mapping[str, Key]
    derives: bool = False


_IF_BLOCKED = Key("if_blocked", "what a cap or a hold does to it: `wait up to 3 days` (then skip) or `skip`")
_WITH = Key("values", "further values for the template or event: plain, or `{path: order.total}`")
_ID = Key("id", "the step's name for `since`, `follow` and the trace; needed where two steps would get the same")
_THEN = Key("block", "the steps for this case, or `go_on`")
_ON_TIMEOUT = Key("block", "the steps when the time is over, or `go_on`", required=True)

VERBS: Mapping[str, Verb] = {
    "send": Verb(
        Key("message", "a message in templates/"),
        "send a message; the run stands here until it is handed over, skipped or given up",
        {
            "with": _WITH,
            "choose_by": Key("path", "a fact that chooses the sub-folder: `line.category`"),
            "together": Key("choice", "lines of one order due within an hour share one mail", choices=("order",)),
            "reward": Key("reward", "a reward of loyalty.yaml; its code is made before the mail leaves"),
            "to": Key("to", "customer (default) or a group of postventa.yaml"),
            "channel": Key("channels", "email, or a list that is tried in order"),
            "if_blocked": _IF_BLOCKED,
            "duplicates": Key(
                "choice", "what to do when nobody knows whether it left", choices=("allow", "avoid")
            ),
        },
        derives=True,
    ),
    "wait": Verb(
        Key("duration", "`3 days` keeps the local clock time, `72 hours` is exact"),
        "wait a while",
        {
            "at": Key("clock", 'the next such local time at least that long after: "10:00"'),
            "on_days": Key("days", "only on these days: [monday, tuesday], weekdays, weekend"),
            "spread": Key("duration", "spread the runs evenly over this span"),
        },
    ),
    "wait_until": Verb(
        Key("path", "a fact that is a time: `order.promised_at`"),
        "wait until a fact's time; computed again when the fact changes",
        {
            "offset": Key("shifts", "moved from left to right: `3 years - 30 days`"),
            "at": Key("clock", 'the next such local time at or after that: "10:00"'),
            "if_past": Key("choice", "when the time is over already", choices=("go_on", "exit")),
            "timeout": Key("duration", "how long to wait for a fact that is not known yet"),
            "on_timeout": Key("block", "the steps when the fact stays unknown, or `go_on`", needs="timeout"),
        },
    ),
    "wait_for": Verb(
        Key("events", "an event, or a list of events, or {event, where}"),
        "wait for an event of this run that occurred since its start, even if it is already known",
        {
            "where": Key("condition", "only events for which this holds"),
            "timeout": Key("timeout", "a duration, or {path: order.promised_at, plus: 1 day}", required=True),
            "then": Key("thens", "the steps when it came, or one block per event"),
            "on_timeout": _ON_TIMEOUT,
            "since": Key("since", "start (default), here, or the id of a step: only what occurred since then"),
            "times": Key("count", "the how-manieth match counts"),
        },
        derives=True,
    ),
    "branch": Verb(
        Key("cases", "a list of `when` and `then`; the last item is `otherwise`"),
        "go on with the first case that holds",
        {},
    ),
    "experiment": Verb(
        Key("name", "the experiment's name"),
        "split customers; each stays in the variant it got",
        {
            "variants": Key("variants", "name: {weight, then}", required=True),
            "measure": Key("measure", "what decides: goal (default) or an event"),
            "size": Key("count", "how many customers it is planned for; before that no winner is named"),
        },
        derives=True,
    ),
    "ask": Verb(
        Key("survey", "a survey in surveys/"),
        "mail a survey and wait for the answer",
        {
            "timeout": Key("duration", "how long to wait for the answer", required=True),
            "remind_after": Key("duration", "one reminder, if nothing was answered"),
            "then": Key("block", "the steps after an answer (`answer.score` …), or `go_on`"),
            "on_timeout": _ON_TIMEOUT,
            "if_blocked": _IF_BLOCKED,
            "with": _WITH,
        },
        derives=True,
    ),
    "award": Verb(
        Key("points", "how many points"),
        "add points to the customer's account, once",
        {
            "reason": Key("name", "what the points are for, in the customer's account"),
            "per": Key("per", "order (default), line, or an amount: `10 EUR`"),
        },
        derives=True,
    ),
    "set": Verb(Key("facts", "{customer.tags: [vip], run.gift: true}"), "write facts of the customer or the run", {}),
    "emit": Verb(
        Key("event", "an event type"),
        "publish an event; other journeys of this customer see it",
        {"with": _WITH},
        derives=True,
    ),
    "hold": Verb(
        Key("choice", "what waits", choices=("marketing",)),
        "let marketing and soft opt-in messages of all other runs of this customer wait",
        {"at_most": Key("duration", "the hold ends after this, whatever happens", required=True)},
    ),
    "release": Verb(Key("choice", "what may go on", choices=("marketing",)), "end this run's hold", {}),
    "repeat": Verb(
        Key("every", "an interval, `12 months`, or `round`: as soon as one round ends"),
        "do the steps again and again",
        {
            "at_most": Key("count", "how many rounds"),
            "until": Key("condition", "read before each round; ends the repetition when it holds"),
            "steps": Key("block", "the steps of a round", required=True),
        },
    ),
    "exit": Verb(Key("name", "why, in one word"), "end the run", {}),
}  # fmt: skip

BESIDE_EVERY_VERB = {"id": _ID}

JOURNEY: Mapping[str, Key] = {
    "journey": Key("name", "the id: the file's name without .yaml", required=True),
    "title": Key("text", "for people; does not count as a change"),
    "owner": Key("text", "whom to ask; does not count as a change"),
    "subject": Key("subject", "one run per: customer, order, line, shipment, return, ticket … or a thing of your own",
                   required=True),
    "start": Key("start", "the event that starts a run", required=True),
    "exit_on": Key("events", "events of this run that end it, wherever it stands"),
    "goal": Key("goal", "what counts as success"),
    "edits": Key("choice", "what happens to people inside when this file changes",
                 choices=("finish", "follow", "retime")),
    "steps": Key("block", "what happens, from top to bottom", required=True),
}  # fmt: skip

START: Mapping[str, Key] = {
    "on": Key("types", "an event, or a list of events", required=True),
    "where": Key("condition", "only events for which this holds"),
    "again": Key("again", "for the same customer: always (default), never, or `after 30 days`"),
    "while_running": Key("choice", "a second start event of a running customer run", choices=("ignore", "restart")),
}
GOAL: Mapping[str, Key] = {
    "on": Key("types", "an event by the same customer about another subject", required=True),
    "where": Key("condition", "only events for which this holds"),
    "within": Key("duration", "how long after the start it counts, even after the run", required=True),
    "then": Key("choice", "whether the run goes on", choices=("go_on", "exit")),
}
EVENT: Mapping[str, Key] = {
    "event": Key("types", "an event", required=True),
    "where": Key("condition", "only events for which this holds"),
}
CASE: Mapping[str, Key] = {
    "when": Key("condition", "the condition", required=True),
    "then": Key("block", "the steps when it holds, or `go_on`", required=True),
}
VARIANT: Mapping[str, Key] = {
    "weight": Key("weight", "its share beside the others: 45, 45, 10", required=True),
    "then": Key("block", "its steps, or `go_on`", required=True),
}
FACT: Mapping[str, Key] = {
    "path": Key("path", "a fact: `order.promised_at`", required=True),
    "plus": Key("moved", "later by a duration (`1 day`, `3 years - 30 days`), or more by a number"),
    "minus": Key("moved", "earlier by a duration, or less by a number"),
}

NOT_YET: Mapping[str, Mapping[str, str]] = {
    "start": {"on_date": "starts by a date", "every": "starts by the calendar", "reaches": "starts for owners",
              "offset": "starts by a date", "at": "starts by the calendar"},
    "to": {"seller": "mails to sellers"},
    "channel": {"sms": "text messages", "whatsapp": "WhatsApp", "push": "push notes", "letter": "letters"},
}  # fmt: skip
"""Words the language reserves. They are errors with a sentence of their own until they work."""

PLURAL: Mapping[str, str] = {
    "line": "lines", "shipment": "parcels", "return": "returns", "refund": "refunds", "exchange": "exchanges",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A condition word: the kinds of path it works on (empty: all), and what it is compared with."""

    kinds: frozenset[str]
    operand: str
    doc: str


def _word(kinds: str, operand: str, doc: str) -> Word:
    return Word(frozenset(kinds.split()), operand, doc)


CONDITION_WORDS: Mapping[str, Word] = {
    "is": _word("", "one", "equal; a bare value means the same"),
    "is_not": _word("", "one", "different, and not missing"),
    "in": _word("", "many", "one of; a bare list means the same"),
    "at_least": _word("number", "one", "that much or more"),
    "at_most": _word("number", "one", "that much or less"),
    "more_than": _word("number", "one", "more than that"),
    "less_than": _word("number", "one", "less than that"),
    "between": _word("number time", "two", "[low, high], both included"),
    "contains": _word("text list", "item", "a list holds the value, or a text the piece"),
    "exists": _word("", "bool", "`true`: the fact is known; `false`: it is missing"),
    "before": _word("time", "one", "earlier than a time"),
    "after": _word("time", "one", "later than a time"),
    "within": _word("time", "duration", "at most that long ago"),
    "any": _word("list", "item condition", "at least one item of the list"),
    "none": _word("list", "item condition", "no item of the list"),
    "all": _word("list", "item condition", "every item of the list"),
}
JOINERS: Mapping[str, str] = {
    "all_of": "every condition of a list", "any_of": "at least one condition of a list", "not": "the opposite",
}  # fmt: skip
