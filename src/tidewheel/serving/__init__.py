"""The request path: bytes and headers in, a decision that is on disk out.

``http`` says what a request is, ``connection`` and ``transport`` carry it over HTTP/1.1, ``handler`` answers it,
``decider`` decides. ``loader`` builds deciders from bundles and follows the catalog's pointers, ``worker`` is a
serving process, ``explain`` tells why. Nothing is imported here: a worker must not pay for what it does not use.
"""
