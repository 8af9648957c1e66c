"""One decision: arm, features, rules, scores, thresholds or a list, fallback, record."""
