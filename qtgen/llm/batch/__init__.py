"""Requests through a provider's Batch API: queue, submit, collect."""
