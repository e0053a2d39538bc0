"""The gate: compare a report with its baseline, and decide what makes a run fail."""
