"""Reading what people write: YAML with positions, problems that name their line, nearest names, durations in words."""
