"""The stream: the log folded into states."""
