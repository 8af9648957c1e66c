"""Views: the rows that a model sees."""
