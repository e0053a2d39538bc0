"""What the site's renderer makes of an answer's markdown."""
