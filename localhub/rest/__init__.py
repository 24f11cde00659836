"""REST resources: one module, one router each."""
