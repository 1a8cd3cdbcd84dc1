"""What training and inference cost in memory and time."""
