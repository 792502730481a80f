"""Properties of the product on random policies, calendars, requests and instants."""
