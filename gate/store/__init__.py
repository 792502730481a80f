"""PostgreSQL: where the truth of the product is kept, how it is reached and how it changes shape."""
