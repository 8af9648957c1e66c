"""How requests come and answers leave: HTTP/1.1 on uvloop, TLS, ASGI; limits, order, back-pressure, admission."""
