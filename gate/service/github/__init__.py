"""What watches over GitHub: checks that follow the clock, deliveries, deployment protection."""
