"""``python -m gateway`` is ``retail-gateway``."""

from gateway.cli import main

main(prog_name="retail-gateway")
