"""The processes around the engine, and the clocks they run on."""
