"""How well scores and judges agree with people."""
