"""Small faults put into the safety layer one at a time, to see that some test notices each: `make mutants`."""
