"""Services: how an event is answered, with a decision or with a list."""
