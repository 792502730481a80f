-- name: known
SELECT EXISTS (
    SELECT FROM saturday_protection_audit
    WHERE writer = %(writer)s AND number = %(number)s
)
