"""Journey files, surveys and loyalty.yaml: read with positions, checked by rules, compiled to the core's types."""
