"""One module a page of the console, or a few that belong together, named for what it shows."""
