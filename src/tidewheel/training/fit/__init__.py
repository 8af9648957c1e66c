"""Learning from rows: estimators, calibration, and the form that serving scores."""
