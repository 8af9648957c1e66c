"""Models: what is learnt from a view, of which label, how, and when it is good enough."""
