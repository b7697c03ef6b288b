"""One module per tool: the tool's records become projection rows and facts. Nothing else writes them."""
