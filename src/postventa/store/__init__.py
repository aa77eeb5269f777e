"""Durable state: one port (`base`), and the backends that keep it (memory, SQLite; PostgreSQL to come)."""
