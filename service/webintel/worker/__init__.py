"""The worker: the queue behind a small protocol, and the tasks that call the engine."""
