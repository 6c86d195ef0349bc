"""The tests. Their folders mirror the packages; end-to-end tests and golden files have folders of their own."""
