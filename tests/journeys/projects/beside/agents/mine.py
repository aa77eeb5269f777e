"""An agent with a mistake in its schema."""

from postventa.agents import agent


@agent(topic="t", schema="oder.*")
def t(record):
    return record
