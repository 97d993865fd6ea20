"""The console, page by page, as a browser without a script sees it."""
