"""Data set, split, tune, fit, evaluate, gates, register: a model's declaration in, a version out."""
