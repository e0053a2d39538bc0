"""The review app: pages as the site shows them, decisions about them, and what the decisions say of the rest.

`index` holds what the lists need, `queues` chooses what to look at next, `actions` carries decisions out, and `app`
serves all of it. `sampling`, `prediction`, `estimates`, `acceptance` and `agreement` are the statistics.
"""
