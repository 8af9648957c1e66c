"""What every declaration is written with: where it stands, durations, shares, sizes."""
