"""Vectors of texts: static embeddings or an endpoint's, vectors of pages, their cache, and a nearest-neighbor index."""
