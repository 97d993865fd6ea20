"""The command `rulefarm`: parse, call one function, print."""
