"""One file a format: values in, text out."""
