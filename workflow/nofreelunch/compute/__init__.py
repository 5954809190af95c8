"""Where and how fast arrays are computed: devices and compiled kernels."""
