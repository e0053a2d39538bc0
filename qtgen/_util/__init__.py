"""Helpers that know nothing about pages: files, processes, concurrency, caches, text, plugins."""
