"""Text, numbers, vectors and rows as words of eight bytes, and their order."""
