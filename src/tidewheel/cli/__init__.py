"""The command line: thin, each command calls the workspace and prints."""
