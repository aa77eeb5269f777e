"""The engine: one batch of events, one look at the timers, one claim, one receipt. Store and core, nothing else."""
