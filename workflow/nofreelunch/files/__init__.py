"""Files: what each netCDF holds, how it is written, and fingerprints of the code that makes it."""
