"""Every tier of tests; a folder a tier."""
