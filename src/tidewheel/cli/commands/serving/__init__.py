"""Serving and rollouts."""
