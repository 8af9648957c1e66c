"""What a window keeps: tiles, sums that decay, sets and sketches."""
