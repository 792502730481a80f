-- phase: pre
--
-- What GitHub sends: deliveries of its webhook, each acted on once, and the deployments that wait for
-- the gate's word. (A waiting request is claimed by an advisory lock of the worker's session, so that
-- no row is locked, and no transaction open, while GitHub is asked.)

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE github_deliveries (
    id uuid PRIMARY KEY,
    event text NOT NULL CHECK (
        event IN ('check_run', 'deployment_protection_rule', 'merge_group', 'pull_request')
    ),
    action text NOT NULL CHECK (action <> ''),
    repository text NOT NULL CHECK (repository ~ '^[^/]+/[^/]+$'),
    sha text CHECK (sha ~ '^([0-9a-f]{40}|[0-9a-f]{64})$'),
    state text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    received_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text,
    finished_at timestamptz CHECK (finished_at >= received_at),
    CHECK ((state = 'waiting') = (finished_at IS NULL))
);

COMMENT ON TABLE github_deliveries IS
'Written by: the GitHub webhook, before it answers → read by: the webhook (a repeated id does nothing'
' again) and the worker that brings checks up to date.';
COMMENT ON COLUMN github_deliveries.sha IS
'The head that the event is about; null where it is about the repository as a whole.';
CREATE INDEX github_deliveries_due ON github_deliveries (next_attempt_at)
WHERE state = 'waiting';
CREATE INDEX github_deliveries_finished ON github_deliveries (finished_at)
WHERE state <> 'waiting';

CREATE TABLE github_protection_requests (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery uuid REFERENCES github_deliveries (id) ON DELETE SET NULL,
    repository text NOT NULL CHECK (repository ~ '^[^/]+/[^/]+$'),
    repository_id bigint NOT NULL CHECK (repository_id > 0),
    run_id bigint NOT NULL CHECK (run_id > 0),
    environment text NOT NULL CHECK (environment <> ''),
    deployment_id bigint CHECK (deployment_id > 0),
    actor text CHECK (actor <> ''),
    invoker text NOT NULL CHECK (invoker IN ('human', 'automation')),
    requested_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (
        state IN ('waiting', 'approved', 'rejected', 'gone')
    ),
    next_check_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    sending text CHECK (sending IN ('approved', 'rejected')),
    decision_id uuid,
    comments bigint NOT NULL DEFAULT 0 CHECK (comments BETWEEN 0 AND 10),
    told_at timestamptz,
    told_verdict text CHECK (told_verdict IN ('deny', 'undecided')),
    told_until timestamptz,
    last_comment text,
    last_error text,
    finished_at timestamptz CHECK (finished_at >= requested_at),
    CHECK ((state = 'waiting') = (finished_at IS NULL)),
    CHECK ((told_at IS NULL) = (told_verdict IS NULL)),
    CHECK (sending IS NULL OR decision_id IS NOT NULL)
);

COMMENT ON TABLE github_protection_requests IS
'Written by: the GitHub webhook and the worker that answers deployments → read by: that worker, after'
' any restart.';
COMMENT ON COLUMN github_protection_requests.sending IS
'The answer that is on its way: whether it has arrived is found out before it is sent again.';
COMMENT ON COLUMN github_protection_requests.told_until IS
'The reopening time in the comment that was sent last; null where none could be named.';
CREATE UNIQUE INDEX github_protection_requests_deployment
ON github_protection_requests (repository_id, run_id, environment, deployment_id);
CREATE INDEX github_protection_requests_waiting ON github_protection_requests (next_check_at)
WHERE state = 'waiting';
CREATE INDEX github_protection_requests_finished ON github_protection_requests (finished_at)
WHERE state <> 'waiting';
CREATE INDEX github_protection_requests_delivery ON github_protection_requests (delivery);
