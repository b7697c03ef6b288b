"""Processes that die at every instant that matters, and what others make of what they leave."""
