"""What is told of serving: metrics, traces, the dashboard, the overview."""
