-- name: floor_planned
INSERT INTO infrastructure_scaling_events (
    id, namespace, name, kind, cause, level, by_actor, reason, from_min, from_max, to_min, to_max,
    planned_at, until
) VALUES (
    %(id)s, %(namespace)s, %(name)s, %(kind)s, %(cause)s, %(level)s, %(by)s, %(reason)s,
    %(from_min)s, %(from_max)s, %(to_min)s, %(to_max)s, %(at)s, %(until)s
)
ON CONFLICT (id) DO UPDATE SET
    kind = coalesce(infrastructure_scaling_events.kind, excluded.kind),
    level = coalesce(infrastructure_scaling_events.level, excluded.level),
    from_min = coalesce(infrastructure_scaling_events.from_min, excluded.from_min),
    from_max = coalesce(infrastructure_scaling_events.from_max, excluded.from_max),
    to_max = coalesce(infrastructure_scaling_events.to_max, excluded.to_max)

-- name: floor_applied
UPDATE infrastructure_scaling_events
SET applied_at = coalesce(applied_at, greatest(%(at)s, planned_at))
WHERE id = %(id)s

-- name: floor_desired
UPDATE infrastructure_scaling_events
SET desired_at = coalesce(desired_at, greatest(%(at)s, applied_at))
WHERE id = %(id)s AND applied_at IS NOT NULL

-- name: floor_ready
UPDATE infrastructure_scaling_events
SET
    desired_at = coalesce(desired_at, greatest(%(at)s, applied_at)),
    ready_at = coalesce(ready_at, greatest(%(at)s, desired_at, applied_at))
WHERE id = %(id)s AND applied_at IS NOT NULL

-- name: floors_restored
UPDATE infrastructure_scaling_events
SET restored_at = coalesce(restored_at, greatest(%(at)s, applied_at))
WHERE
    namespace = %(namespace)s AND name = %(name)s
    AND applied_at IS NOT NULL
    AND restored_at IS NULL
    AND planned_at <= %(at)s
    AND to_min > coalesce(from_min, 0)
    AND id <> ALL(%(kept)s)

-- name: floors_without_target
UPDATE infrastructure_scaling_events
SET restored_at = greatest(%(at)s, applied_at)
WHERE
    applied_at IS NOT NULL
    AND restored_at IS NULL
    AND ready_at IS NULL
    AND planned_at <= %(at)s
    AND (namespace || '/' || name) <> ALL(%(targets)s)
    AND (%(namespace)s::text IS NULL OR namespace = %(namespace)s)

-- name: floors
SELECT
    id, namespace, name, kind, cause, level, by_actor, reason, from_min, from_max, to_min, to_max,
    planned_at, until, applied_at, desired_at, ready_at, restored_at
FROM infrastructure_scaling_events
WHERE (%(namespace)s::text IS NULL OR namespace = %(namespace)s)
ORDER BY planned_at DESC, id
LIMIT %(limit)s
