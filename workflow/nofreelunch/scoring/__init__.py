"""What is measured on rate maps: grid scores, lattices, firing fields, grid modules, and chance."""
