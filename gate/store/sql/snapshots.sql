-- name: entries
-- As JSON, so that a row that cannot be read is one row, and columns of a later release are passed
-- over. Instants are brought within the years that decisions know. Locks stay for as long as the
-- edges of a decision reach back (400 days), overrides until they have ended for certain.
SELECT
    (
        to_jsonb(entry) || jsonb_build_object(
            'made_at', greatest(least(made_at, last), first),
            'starts_at', greatest(least(starts_at, last), first),
            'ends_at', CASE
                WHEN kind = 'lock' THEN nullif(least(ends_at, last), last)
                ELSE least(ends_at, last)
            END,
            'closed_at', nullif(greatest(least(closed_at, last), first), last)
        )
    )::text
FROM
    infrastructure_deployment_locks AS entry,
    (
        SELECT
            '1970-01-01T00:00:00Z'::timestamptz AS first,
            '2199-12-31T00:00:00Z'::timestamptz AS last
    ) AS years
WHERE
    least(ends_at, closed_at, 'infinity')
    > now() - CASE WHEN kind = 'lock' THEN interval '401 days' ELSE interval '1 day' END
ORDER BY made_at, id

-- name: active_policy
SELECT sha256 FROM policies WHERE active

-- name: policy_document
SELECT document FROM policies WHERE sha256 = %(sha256)s

-- name: newest_import
SELECT version, sha256, weddings, imported_at
FROM wedding_imports
ORDER BY version DESC
LIMIT 1

-- name: copy_calendar
COPY (
    SELECT json_strip_nulls(row_to_json(wedding))
    FROM (
        SELECT
            id, date, timezone, days, culture, guests, venue, setting, country, latitude,
            longitude, status, booked_at AS "x-booked-at"
        FROM weddings
        WHERE version = %(version)s
        ORDER BY place
    ) AS wedding
) TO STDOUT
