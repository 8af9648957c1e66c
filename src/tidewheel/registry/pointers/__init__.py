"""Which version answers, and who moved it."""
