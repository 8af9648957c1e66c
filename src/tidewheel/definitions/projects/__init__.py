"""A project as a whole: loaded, hashed, compared, changed; and what in it is personal."""
