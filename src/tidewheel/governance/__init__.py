"""What is asked of those who keep data: how long, of whom, whose it is, and where it went."""
