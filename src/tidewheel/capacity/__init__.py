"""How much a server takes: open-loop load, latency against rate, and from it the cores for a target and their cost."""
