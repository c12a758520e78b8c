"""What can be done in the rates room, one use case a file."""
