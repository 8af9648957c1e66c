"""What a fitted model is worth: metrics with intervals."""
