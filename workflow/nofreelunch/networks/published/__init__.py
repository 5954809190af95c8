"""Networks of the papers that the talk cites, one module per paper."""
