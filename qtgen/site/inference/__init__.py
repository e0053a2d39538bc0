"""Infer the page layout of a site from its pages: `site.toml`, and how many pages agree with each line of it."""
