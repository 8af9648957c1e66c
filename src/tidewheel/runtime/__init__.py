"""Settings, clocks, leases, doorbells, schedules and the supervisor: what running processes share."""
