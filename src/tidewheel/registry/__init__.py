"""Versions, bundles, runs, deployments, thresholds: what is known about models, and which of them answers."""
