"""The online read: of one event, of entities, of a list's items."""
