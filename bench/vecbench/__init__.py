"""Loading vectors into PostgreSQL and measuring indexes over them."""
