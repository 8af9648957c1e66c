"""Views over decisions and outcomes: reports and drift."""
