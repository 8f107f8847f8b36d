"""The command line: translates in and out, decides nothing."""
