"""`gate prescale --watch`: one actor that keeps floors, sees them become Ready, and says so."""
