"""Candidate generation: items by a live value, by their vectors, by their words.

Exact, in memory, made anew beside the requests as items change.
"""
