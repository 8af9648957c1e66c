"""Trees and curves: scored, explained, read from the files of the learners."""
