-- name: append
SELECT ledger_append(
    %(doors)s::text [], %(writers)s::text [], %(numbers)s::bigint [], %(payloads)b::bytea []
)
