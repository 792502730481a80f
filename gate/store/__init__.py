"""PostgreSQL: connections, migrations runner, named queries."""
