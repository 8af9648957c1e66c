"""Events held to what is expected of them, and the verdicts logged."""
