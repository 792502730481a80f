"""What is true: values and pure functions. No I/O, no clock, no environment."""
