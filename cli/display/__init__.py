"""Print what commands give: tables, explanations, reports.

Each command imports the module that it needs, to start quickly; so this package re-exports nothing."""
