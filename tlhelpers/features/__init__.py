"""Features: what the layers of a frozen network compute for each photo."""
