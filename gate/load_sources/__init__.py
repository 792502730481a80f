"""Where load comes from: the calendar (booked), Prometheus, CSV files, behind one port."""
