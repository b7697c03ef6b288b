"""``python -m benchmarks`` runs every benchmark with its defaults."""

from benchmarks.whole_member import main

main()
