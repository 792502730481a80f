-- name: lock_target
SELECT pg_advisory_xact_lock(hashtextextended(
    current_schema() || ' floor ' || %(namespace)s || '/' || %(name)s, 0
))

-- name: insert_floor
INSERT INTO infrastructure_scaling_events (
    id, namespace, name, kind, cause, by_actor, reason, from_min, from_max, to_min, to_max,
    asked_max, planned_at, until, allowed_by
) VALUES (
    %(id)s, %(namespace)s, %(name)s, %(kind)s, 'manual', %(by)s, %(reason)s, %(from_min)s,
    %(from_max)s, %(to_min)s, %(to_max)s, %(to_max)s, %(at)s, %(until)s, %(allowed_by)s
)
RETURNING
    id, namespace, name, kind, by_actor, reason, from_min, from_max, to_min, to_max, asked_max,
    planned_at, until, applied_at, restored_at, released_at, released_by, release_reason, allowed_by

-- name: open_floors
SELECT
    id, namespace, name, kind, by_actor, reason, from_min, from_max, to_min, to_max, asked_max,
    planned_at, until, applied_at, restored_at, released_at, released_by, release_reason, allowed_by
FROM infrastructure_scaling_events
WHERE
    cause = 'manual'
    AND until > %(at)s
    AND released_at IS NULL
    AND (%(namespace)s::text IS NULL OR namespace = %(namespace)s)
    AND (%(name)s::text IS NULL OR name = %(name)s)
ORDER BY planned_at, id

-- name: floors
SELECT
    id, namespace, name, kind, by_actor, reason, from_min, from_max, to_min, to_max, asked_max,
    planned_at, until, applied_at, restored_at, released_at, released_by, release_reason, allowed_by
FROM infrastructure_scaling_events
WHERE cause = 'manual'
ORDER BY planned_at DESC, id DESC
LIMIT %(limit)s

-- name: released_floors
SELECT id
FROM infrastructure_scaling_events
WHERE cause = 'manual' AND until > %(at)s AND released_at IS NOT NULL

-- name: release_floor
UPDATE infrastructure_scaling_events
SET
    released_at = greatest(%(at)s, planned_at),
    released_by = %(by)s,
    release_reason = %(reason)s
WHERE id = %(id)s AND cause = 'manual' AND released_at IS NULL
RETURNING
    id, namespace, name, kind, by_actor, reason, from_min, from_max, to_min, to_max, asked_max,
    planned_at, until, applied_at, restored_at, released_at, released_by, release_reason, allowed_by

-- name: floor_applied
UPDATE infrastructure_scaling_events
SET
    kind = %(kind)s,
    from_min = coalesce(from_min, %(from_min)s),
    from_max = coalesce(from_max, %(from_max)s),
    to_max = greatest(coalesce(to_max, %(to_max)s), to_min),
    applied_at = %(at)s
WHERE id = %(id)s AND cause = 'manual' AND applied_at IS NULL

-- name: floor_restored
UPDATE infrastructure_scaling_events
SET restored_at = greatest(%(at)s, applied_at)
WHERE
    id = %(id)s AND cause = 'manual' AND applied_at IS NOT NULL AND restored_at IS NULL
    AND (released_at IS NOT NULL OR until <= %(at)s)

-- name: lock_emergencies
LOCK TABLE emergencies IN SHARE ROW EXCLUSIVE MODE

-- name: end_those_that_ran_out
UPDATE emergencies SET ended_at = until WHERE ended_at IS NULL AND until <= %(at)s

-- name: active_emergency
SELECT
    id, lock_id, by_actor, reason, level, floor_replicas, activated_at, until, ended_at, ended_by,
    end_reason
FROM emergencies
WHERE ended_at IS NULL AND until > %(at)s

-- name: insert_emergency
INSERT INTO emergencies (
    id, lock_id, by_actor, reason, level, floor_replicas, activated_at, until
) VALUES (
    %(id)s, %(lock_id)s, %(by)s, %(reason)s, %(level)s, %(floor)s, %(at)s, %(until)s
)
RETURNING
    id, lock_id, by_actor, reason, level, floor_replicas, activated_at, until, ended_at, ended_by,
    end_reason

-- name: extend_emergency
UPDATE emergencies SET until = %(until)s WHERE id = %(id)s
RETURNING
    id, lock_id, by_actor, reason, level, floor_replicas, activated_at, until, ended_at, ended_by,
    end_reason

-- name: end_emergency
UPDATE emergencies
SET
    ended_at = greatest(%(at)s, activated_at), ended_by = %(by)s, end_reason = %(reason)s
WHERE id = %(id)s
RETURNING
    id, lock_id, by_actor, reason, level, floor_replicas, activated_at, until, ended_at, ended_by,
    end_reason

-- name: ended_emergencies
SELECT id FROM emergencies WHERE ended_at IS NOT NULL AND until > %(at)s

-- name: lock_of_emergency
SELECT * FROM infrastructure_deployment_locks WHERE id = %(id)s

-- name: alert
INSERT INTO emergency_notifications (id, severity, subject, body, raised_at, escalate_at)
VALUES (%(id)s, 'critical', %(subject)s, %(body)s, %(at)s, %(escalate_at)s)

-- name: acknowledge_alert
UPDATE emergency_notifications
SET acknowledged_at = greatest(%(at)s, raised_at), acknowledged_by = %(by)s
WHERE id = %(id)s AND acknowledged_at IS NULL

-- name: notice
INSERT INTO infrastructure_notifications (
    dedup_key, channel, severity, subject, body, queued_at, due_at
) VALUES (
    %(key)s, 'operators', %(severity)s, %(subject)s, %(body)s, %(at)s, %(at)s
)
ON CONFLICT (dedup_key) DO NOTHING
