"""What every tool shares and no tool owns: contract, error kinds, HTTP seam, tokens, runtime protocols."""
