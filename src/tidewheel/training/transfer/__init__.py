"""What a run takes over from registered versions: a model to go on from, a teacher's scores."""
