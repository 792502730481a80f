-- name: has_schema
SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s

-- name: create_table
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY CHECK (number >= 1),
    name text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('pre', 'post')),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text NOT NULL DEFAULT current_user
)

-- name: exists
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_tables
    WHERE schemaname = %(schema)s AND tablename = 'schema_migrations'
)

-- name: applied
SELECT number, name, phase, sha256, applied_at, applied_by
FROM schema_migrations
ORDER BY number

-- name: remember
INSERT INTO schema_migrations (number, name, phase, sha256)
VALUES (%(number)s, %(name)s, %(phase)s, %(sha256)s)
RETURNING number, name, phase, sha256, applied_at, applied_by
