"""The command line: one file per command, thin, loaded only when its command is called."""
