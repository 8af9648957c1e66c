"""Where things are kept: event log, decision journal, state, lake, artifacts, catalog.

Each store has one small protocol (``storage.protocols``) whose docstrings are the contract, one
embedded implementation in this room, and a contract suite in ``tidewheel.testing`` that any
other implementation can be held to. What each store may lose, and when, is told in
``docs/durability.md``.

======================  =====================================================================
``log``                 events in one order, by offset (LMDB)
``journal``             decisions, one writer a file (checksummed segments)
``decisions``           the decision record that the journal and the lake hold
``state``               feature state, references and waiting events (LMDB, K partitions)
``lake``                all history (Delta Lake tables)
``artifacts``           files named by their SHA-256
``catalog``             versions, runs, deployments (SQLite or PostgreSQL)
======================  =====================================================================
"""
