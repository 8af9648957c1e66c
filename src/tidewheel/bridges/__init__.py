"""To and from what people already have: trackers and orchestrators. The truth stays here; these mirror and call."""
