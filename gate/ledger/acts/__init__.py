"""What people do beside asking: locks, overrides, policies, calendars; each leaves a ledger row."""
