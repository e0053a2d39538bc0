"""The transport's parts: the connection to an endpoint, and what its responses mean.

`connection` and `proxies` send a request and read the bytes of its response. The other modules are pure functions:

- `decoding` and `streams` turn bytes into a document,
- `error_replies` reads what an error says, and `classification` what it means for the request,
- `accounts` recognizes errors that concern the whole account,
- `network_errors` says why a connection failed,
- `waits` and `rate_limits` read how long to wait and how much is allowed,
- `usage` reads tokens and costs,
- `addresses` joins and compares addresses,
- `cleaning` makes an endpoint's words safe to show.
"""
