"""What commands print: one module an output format."""
