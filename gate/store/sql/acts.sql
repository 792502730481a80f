-- name: notify
SELECT pg_notify(current_schema() || '_changed', %(topic)s)

-- name: insert_entry
INSERT INTO infrastructure_deployment_locks (
    id, kind, by_actor, roles, reason, environments, namespaces, services, repositories, actions,
    made_at, starts_at, ends_at
) VALUES (
    %(id)s, %(kind)s, %(by_actor)s, %(roles)s, %(reason)s, %(environments)s, %(namespaces)s,
    %(services)s, %(repositories)s, %(actions)s, %(made_at)s, %(starts_at)s, %(ends_at)s
)
RETURNING *

-- name: entry_for_update
SELECT *
FROM infrastructure_deployment_locks
WHERE id = %(id)s AND kind = %(kind)s
FOR UPDATE

-- name: extend_entry
UPDATE infrastructure_deployment_locks SET ends_at = %(ends_at)s WHERE id = %(id)s
RETURNING *

-- name: close_entry
UPDATE infrastructure_deployment_locks
SET closed_at = %(closed_at)s, closed_by = %(closed_by)s
WHERE id = %(id)s
RETURNING *

-- name: approve_entry
UPDATE infrastructure_deployment_locks
SET approvals = approvals || jsonb_build_array(%(approval)s::jsonb)
WHERE id = %(id)s
RETURNING *

-- name: entries
SELECT *
FROM infrastructure_deployment_locks
WHERE
    kind = %(kind)s
    AND (
        %(at)s::timestamptz IS NULL
        OR (
            starts_at <= %(at)s
            AND (ends_at IS NULL OR ends_at > %(at)s)
            AND (closed_at IS NULL OR closed_at > %(at)s)
        )
    )
ORDER BY made_at DESC, id
LIMIT %(limit)s

-- name: all_entries
SELECT * FROM infrastructure_deployment_locks ORDER BY made_at, id

-- name: store_policy
INSERT INTO policies (sha256, document, stored_by, stored_at)
VALUES (%(sha256)s, %(document)s, %(by)s, %(at)s)
ON CONFLICT (sha256) DO NOTHING
RETURNING version

-- name: policy_by_sha256
SELECT * FROM policies WHERE sha256 = %(sha256)s

-- name: policy_for_update
SELECT * FROM policies WHERE version = %(version)s FOR UPDATE

-- name: deactivate_policy
UPDATE policies SET active = false WHERE active AND version <> %(version)s

-- name: activate_policy
UPDATE policies
SET active = true, activated_by = %(by)s, activated_at = %(at)s
WHERE version = %(version)s
RETURNING *

-- name: active_policy
SELECT * FROM policies WHERE active

-- name: policies
SELECT * FROM policies ORDER BY version DESC LIMIT %(limit)s

-- name: new_import
INSERT INTO wedding_imports (sha256, weddings, cancelled, imported_by, imported_at)
VALUES (%(sha256)s, 0, 0, %(by)s, %(at)s)
RETURNING version

-- name: copy_weddings
COPY weddings (
    version, place, id, date, timezone, days, culture, guests, venue, setting, country, latitude,
    longitude, status, booked_at
) FROM STDIN (FORMAT binary)

-- name: count_import
UPDATE wedding_imports
SET weddings = %(weddings)s, cancelled = %(cancelled)s
WHERE version = %(version)s
RETURNING *

-- name: newest_import
SELECT * FROM wedding_imports ORDER BY version DESC LIMIT 1

-- name: imports
SELECT * FROM wedding_imports ORDER BY version DESC LIMIT %(limit)s

-- name: read_weddings
SELECT
    id, date, timezone, days, culture, guests, venue, setting, country, latitude, longitude, status,
    booked_at
FROM weddings
WHERE version = %(version)s
ORDER BY place

-- name: forget_imports
DELETE FROM wedding_imports
WHERE version NOT IN (
    SELECT version FROM wedding_imports ORDER BY version DESC LIMIT %(keep)s
)
