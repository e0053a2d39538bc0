"""What the lists and queues need to know about every page."""
