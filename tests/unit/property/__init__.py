"""Properties of the compiler that hold for every flow, tried on random ones."""
