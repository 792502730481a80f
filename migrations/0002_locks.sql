-- phase: pre
--
-- Manual locks and overrides. Rows are never removed: a lock ends by ends_at or when it is
-- released, an override likewise or when it is revoked, and both stay as history.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE infrastructure_deployment_locks (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('lock', 'override')),
    by_actor text NOT NULL CHECK (by_actor <> ''),
    roles text [] NOT NULL DEFAULT '{}',
    reason text NOT NULL CHECK (reason <> ''),
    environments text [] CHECK (cardinality(environments) > 0),
    namespaces text [] CHECK (cardinality(namespaces) > 0),
    services text [] CHECK (cardinality(services) > 0),
    repositories text [] CHECK (cardinality(repositories) > 0),
    actions text [] NOT NULL DEFAULT '{}' CHECK (
        actions <@ ARRAY['deploy', 'config', 'restart', 'scale-down', 'scale-up', 'rollback']
    ),
    made_at timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    approvals jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(approvals) = 'array'),
    closed_at timestamptz,
    closed_by text CHECK (closed_by <> ''),
    CHECK (ends_at > starts_at),
    CHECK (closed_at >= made_at),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK (kind = 'lock' OR (ends_at IS NOT NULL AND starts_at = made_at AND char_length(reason) >= 10)),
    CHECK (kind = 'override' OR approvals = '[]')
);

COMMENT ON TABLE infrastructure_deployment_locks IS
'Written by: manual locks and overrides, with who, reason, scope, expiry, approvals → read by:'
' every decision.';
COMMENT ON COLUMN infrastructure_deployment_locks.closed_at IS
'When a lock was released or an override revoked; before that it was in force as it says.';

CREATE INDEX infrastructure_deployment_locks_made
ON infrastructure_deployment_locks (kind, made_at DESC, id);
