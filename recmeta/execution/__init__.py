"""Execution: one fit under hard limits, in a process of its own, from a task to its result."""
