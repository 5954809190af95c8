"""Results of a study for other programs: tables as CSV or Parquet, rate maps as NWB."""
