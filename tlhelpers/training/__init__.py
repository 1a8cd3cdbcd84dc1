"""Training: the loop, what is frozen, and the transfer strategies."""
