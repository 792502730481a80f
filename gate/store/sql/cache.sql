-- name: lock
-- One writer at a time: what was last is read before it is followed.
SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.infrastructure_cache_configs'))

-- name: current
-- The last of each level by its own index, and of these the last.
SELECT config.level, config.settings, config.valid_from, config.applied_at
FROM (VALUES ('NORMAL'), ('HIGH'), ('MAXIMUM')) AS levels (level)
CROSS JOIN LATERAL (
    SELECT *
    FROM infrastructure_cache_configs
    WHERE infrastructure_cache_configs.level = levels.level
    ORDER BY infrastructure_cache_configs.valid_from DESC
    LIMIT 1
) AS config
ORDER BY config.valid_from DESC
LIMIT 1

-- name: change
INSERT INTO infrastructure_cache_configs (level, settings, valid_from)
VALUES (%(level)s, %(settings)s::jsonb, %(valid_from)s)

-- name: applied
UPDATE infrastructure_cache_configs
SET applied_at = greatest(%(at)s, valid_from)
WHERE level = %(level)s AND valid_from = %(valid_from)s AND applied_at IS NULL
