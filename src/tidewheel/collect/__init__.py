"""The way in for events: row checks, files, imports, the appender, flush to the lake, one view of all history."""
