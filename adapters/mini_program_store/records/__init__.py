"""What leaves this tool. Money is integer fen, instants are aware UTC, ids are text."""
