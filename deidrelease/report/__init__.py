"""What people read: one file an output."""
