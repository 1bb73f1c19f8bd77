"""What every HTTP process of ours has: observed requests, probes, and an end that it announces."""
