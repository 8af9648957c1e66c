"""Training equals serving, shown."""
