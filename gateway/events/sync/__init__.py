"""First sync and catch-up: jobs read what the platforms know, over HTTP."""
