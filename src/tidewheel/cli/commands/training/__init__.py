"""Training, runs, data sets, batch scores."""
