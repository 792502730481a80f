-- phase: pre
--
-- Capacity by hand: a floor that a person asks for is a scaling event before any cluster has seen it,
-- and an emergency is one thing with its lock.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Whoever asks for a floor without a cluster at hand knows neither the target's kind nor its maximum.
-- Code of the release before reads neither column.
-- squawk-ignore ban-drop-not-null
ALTER TABLE infrastructure_scaling_events ALTER COLUMN kind DROP NOT NULL;
-- squawk-ignore ban-drop-not-null
ALTER TABLE infrastructure_scaling_events ALTER COLUMN to_max DROP NOT NULL;
ALTER TABLE infrastructure_scaling_events
ADD COLUMN released_at timestamptz,
ADD COLUMN released_by text,
ADD COLUMN release_reason text,
ADD COLUMN asked_max bigint,
ADD COLUMN allowed_by uuid,
ADD CONSTRAINT infrastructure_scaling_events_known CHECK (
    (cause = 'manual' AND applied_at IS NULL) OR (kind IS NOT NULL AND to_max IS NOT NULL)
) NOT VALID,
ADD CONSTRAINT infrastructure_scaling_events_released CHECK (
    (released_at IS NULL) = (released_by IS NULL) AND released_at >= planned_at
) NOT VALID,
ADD CONSTRAINT infrastructure_scaling_events_allowed_by
FOREIGN KEY (allowed_by) REFERENCES infrastructure_deployment_locks (id) NOT VALID;

COMMENT ON COLUMN infrastructure_scaling_events.released_at IS
'When a person ended a manual floor before its time; restored_at is when the target was lowered.';
COMMENT ON COLUMN infrastructure_scaling_events.to_max IS
'Null while a manual floor that names no maximum waits for a cluster.';
COMMENT ON COLUMN infrastructure_scaling_events.asked_max IS
'The maximum that a person asked for; null: as large as it must be, for to_max tells what it became.';
COMMENT ON COLUMN infrastructure_scaling_events.allowed_by IS
'The override that let a manual floor be set below the floor then in force.';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX infrastructure_scaling_events_held ON infrastructure_scaling_events (until)
WHERE cause = 'manual';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX infrastructure_scaling_events_allowed_by ON infrastructure_scaling_events (allowed_by)
WHERE allowed_by IS NOT NULL;

CREATE TABLE emergencies (
    id uuid PRIMARY KEY,
    lock_id uuid NOT NULL REFERENCES infrastructure_deployment_locks (id),
    by_actor text NOT NULL CHECK (by_actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    level text NOT NULL CHECK (level IN ('HIGH', 'MAXIMUM')),
    floor_replicas bigint NOT NULL CHECK (floor_replicas >= 1),
    activated_at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > activated_at),
    ended_at timestamptz CHECK (ended_at >= activated_at),
    ended_by text CHECK (ended_by <> ''),
    end_reason text,
    CHECK (ended_by IS NULL OR ended_at IS NOT NULL)
);

COMMENT ON TABLE emergencies IS
'Written by: gate emergency, with the lock that it began → read by: gate emergency, the pre-scaler,'
' which raises every target by it.';
COMMENT ON COLUMN emergencies.ended_at IS
'When a person ended it (ended_by), or until where it ran out.';
CREATE UNIQUE INDEX emergencies_active ON emergencies ((ended_at IS NULL)) WHERE ended_at IS NULL;
CREATE INDEX emergencies_until ON emergencies (until);
CREATE INDEX emergencies_lock ON emergencies (lock_id);
