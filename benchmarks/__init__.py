"""Speed claims live here: side by side with peers in one run, as ratios, CPU per request beside wall time."""
