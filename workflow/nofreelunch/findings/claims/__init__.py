"""The talk's claims: one module per group of results, and the page that reports them."""
