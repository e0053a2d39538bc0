"""Reports of the link graph as text and HTML. The JSON report is `Graph.as_dict`."""
