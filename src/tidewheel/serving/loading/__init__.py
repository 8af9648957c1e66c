"""From what is deployed to what decides: bundles read, warmed and swapped in."""
