"""The screens: each module turns a request into a template and its variables."""
