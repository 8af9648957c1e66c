"""Who gets which variant, and which decisions explore: pure functions of a unit and a salt."""
