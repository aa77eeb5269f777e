"""The way out: claim, render, intent, channel, receipt. What decides is in `core`; here it is only carried out."""
