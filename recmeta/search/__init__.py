"""Search strategies, a module each: from a space and the trials so far to the next candidates."""
