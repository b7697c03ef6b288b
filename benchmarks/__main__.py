"""``python -m benchmarks`` runs the benchmarks one after the other, with their defaults."""

import subprocess
import sys

for name in ("execution", "gateway", "plans", "transactions", "whole_member", "subscriptions", "adapters"):
    print(f"# python -m benchmarks.{name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
