"""From frozen definitions to what the kernel folds and reads."""
