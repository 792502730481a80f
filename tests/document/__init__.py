"""Reading of policy documents and of tables of expected verdicts."""
