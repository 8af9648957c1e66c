"""From declarations to the frozen graph; mistakes are found here."""
