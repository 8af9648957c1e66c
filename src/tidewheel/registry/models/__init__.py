"""What a version is made of, and how it scores."""
