"""Agents: pure functions of a project that turn a platform's record into one of our events, one topic each."""

from postventa.agents.declare import Agent, agent

__all__ = ["Agent", "agent"]
