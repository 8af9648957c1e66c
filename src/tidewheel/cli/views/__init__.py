"""What results look like in a terminal: text, tables and small plots of what a command found."""
