"""Jobs: the queue, leases and workers."""
