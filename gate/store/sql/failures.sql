-- name: open_failure
INSERT INTO infrastructure_failures (id, component, severity, summary, detail, opened_at)
VALUES (%(id)s, %(component)s, %(severity)s, %(summary)s, %(detail)s, %(at)s)
ON CONFLICT (component, summary) WHERE resolved_at IS NULL
DO UPDATE SET detail = excluded.detail, severity = excluded.severity

-- name: resolve_failure
UPDATE infrastructure_failures
SET resolved_at = greatest(%(at)s, opened_at, acknowledged_at), resolved_by = %(by)s, remedy = %(remedy)s
WHERE component = %(component)s AND resolved_at IS NULL

-- name: resolve_others
UPDATE infrastructure_failures
SET resolved_at = greatest(%(at)s, opened_at, acknowledged_at), resolved_by = %(by)s, remedy = %(remedy)s
WHERE
    starts_with(component, %(prefix)s)
    AND component <> ALL(%(kept)s)
    AND resolved_at IS NULL

-- name: open_failures
SELECT component, severity, summary, detail, opened_at, acknowledged_at
FROM infrastructure_failures
WHERE resolved_at IS NULL
ORDER BY opened_at DESC, component
