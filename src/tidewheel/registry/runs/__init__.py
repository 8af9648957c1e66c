"""What was done to make versions: runs, their steps, trials, data sets."""
