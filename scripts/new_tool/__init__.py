"""Makes an eighth tool: a folder that works, its tests, and one line of the registry."""
