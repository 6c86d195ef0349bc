"""One task: runs one layer, or one split of a fan-out, from reading its input to the commit of its output."""
