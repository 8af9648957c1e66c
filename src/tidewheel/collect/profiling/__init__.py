"""From files to a declaration that loads."""
