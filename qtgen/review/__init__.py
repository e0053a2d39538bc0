"""The review app: pages as the site shows them, decisions about them, and what the decisions say of the rest.

`index` holds what lists and queues need, `comparison` marks the changes of a rewrite, `decisions` carries out what
reviewers decide, `audits` holds the statistics, and `web` serves all of it.
"""
