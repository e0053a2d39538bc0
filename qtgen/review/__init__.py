"""The review app: show pages as the site does, record decisions about them, and estimate how good the rest is.

`index` holds what lists and queues need, `comparison` marks the changes of a rewrite, `decisions` carries out what
reviewers decide, `audits` holds the statistics, and `web` serves all of it.
"""
