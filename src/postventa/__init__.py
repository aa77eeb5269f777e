"""postventa: the engine that runs the time after the purchase. Start reading at `postventa.core.advance`."""

__version__ = "0.1.0"
