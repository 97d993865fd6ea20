"""What commands print: tables, progress, explanations, reports.

Each command imports the module that it needs, to start quickly; so this package hands nothing on."""
