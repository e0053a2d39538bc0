"""Let models judge answers, and sum up what they were asked and how far they agree."""
