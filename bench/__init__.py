"""Speed and size as ratios within one run, so that they mean something on another machine: `python -m bench`."""
