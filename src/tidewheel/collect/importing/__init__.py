"""Files of history: opened, put in order, made part of the log once."""
