-- name: append
SELECT ledger_append(
    %(doors)s::text [], %(writers)s::text [], %(numbers)s::bigint [], %(payloads)b::bytea []
)

-- name: bounds
SELECT
    (SELECT count(*) FROM ledger_head) AS heads,
    coalesce((SELECT max(seq) FROM ledger_head), 0) AS head_seq,
    coalesce((SELECT hash FROM ledger_head ORDER BY seq DESC LIMIT 1), ''::bytea) AS head_hash,
    (SELECT min(seq) FROM saturday_protection_audit) AS first_seq,
    coalesce((SELECT max(seq) FROM saturday_protection_audit), 0) AS last_seq

-- name: batch
-- One row for a batch: everything that is hashed, laid end to end, and what the columns say, as the
-- JSON that the payloads should give of it. Built-in functions only: those of the schema belong to
-- whom the ledger is to convict.
--
-- Rows that this short way cannot judge are listed as `unusual`: no decisions, undecided, with an
-- override, or with an id that does not commit to door, writer and number. In the `facts` of the
-- others a null is an empty text; `nulls` counts them.
SELECT
    coalesce(string_agg(int8send(seq), ''), '') AS seqs,
    coalesce(string_agg(int4send(octet_length(payload)), ''), '') AS lengths,
    coalesce(string_agg(payload, ','), '') AS payloads,
    coalesce(string_agg(prev_hash, ''), '') AS prev_hashes,
    coalesce(string_agg(hash, ''), '') AS hashes,
    coalesce(array_agg(seq) FILTER (WHERE NOT usual), '{}') AS unusual,
    coalesce(
        sum(num_nulls(actor, environment, namespace, repository, service)) FILTER (WHERE usual), 0
    )::bigint AS nulls,
    coalesce(string_agg(
        concat(
            '{"at":"',
            CASE
                WHEN at = date_trunc('second', at)
                    THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
                ELSE to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
            END,
            'Z","effect":"', effect,
            '","id":"', id,
            '","override":null,"phase":"', phase,
            '","policy":{"sha256":"', policy_sha256,
            '"},"request":{"action":"', action,
            '","actor":"', actor,
            '","environment":"', environment,
            '","invoker":"', invoker,
            '","namespace":"', namespace,
            '","repository":"', repository,
            '","service":"', service,
            '"},"verdict":"', verdict, '"}'
        ), ','
    ) FILTER (WHERE usual), '') AS facts
FROM (
    SELECT
        *,
        coalesce(
            kind = 'decision'
            AND num_nulls(phase, policy_sha256) = 0
            AND subject IS NULL
            AND substr(uuid_send(id), 7) = substr(
                set_byte(
                    set_byte(digest, 0, 112 | (get_byte(digest, 0) & 15)),
                    2, 128 | (get_byte(digest, 2) & 63)
                ), 1, 10
            ), false
        ) AS usual
    FROM (
        SELECT *, sha256(textsend(door || '/' || writer) || int8send(number)) AS digest
        FROM saturday_protection_audit
        WHERE seq >= %(first)s AND seq < %(end)s
        ORDER BY seq
        -- Keeps the order, and what is used several times from being computed so often.
        OFFSET 0
    ) AS digested
    OFFSET 0
) AS judged

-- name: columns
SELECT
    seq, prev_hash, hash, payload, id, kind, at, door, writer, number, verdict, effect, phase, action, invoker,
    actor, environment, namespace, service, repository, policy_sha256, subject
FROM saturday_protection_audit
WHERE seq = ANY(%(seqs)s)
ORDER BY seq

-- name: snapshot
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: export_snapshot
SELECT pg_export_snapshot()

-- name: search_path
SELECT current_setting('search_path')

-- name: adopt_session
SELECT set_config('search_path', %(search_path)s, true), set_config('TimeZone', 'UTC', true)

-- name: walk_settings
-- A walk by the primary key, for hundreds of small batches: whatever the statistics say.
SELECT
    set_config('jit', 'off', true),
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true)

-- name: repeatable_read
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: copy_payloads
COPY (
    SELECT payload
    FROM saturday_protection_audit
    WHERE seq >= %(first)s AND (%(last)s::bigint IS NULL OR seq <= %(last)s)
    ORDER BY seq
) TO STDOUT (FORMAT binary)

-- name: newest_checkpoint
SELECT
    note,
    frontier,
    coalesce((SELECT max(seq) FROM saturday_protection_audit), 0)
FROM ledger_checkpoints
WHERE origin = %(origin)s AND key_id = %(key_id)s
ORDER BY size DESC
LIMIT 1

-- name: keep_checkpoint
INSERT INTO ledger_checkpoints (origin, size, root, note, frontier, key_id)
VALUES (%(origin)s, %(size)s, %(root)s, %(note)s, %(frontier)s, %(key_id)s)
ON CONFLICT (origin, key_id, size) DO NOTHING

-- name: checkpoints
SELECT origin, size, root, note, made_at
FROM ledger_checkpoints
ORDER BY made_at DESC
LIMIT %(limit)s

-- name: payload
SELECT payload, hash FROM saturday_protection_audit WHERE seq = %(seq)s

-- name: size
SELECT coalesce(max(seq), 0) FROM saturday_protection_audit

-- name: rows
SELECT
    seq, id, kind, at, door, writer, number, verdict, effect, phase, action, invoker, actor,
    environment, namespace, service, repository, policy_sha256, subject,
    encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash, payload
FROM saturday_protection_audit

-- name: known_ids
SELECT id FROM saturday_protection_audit WHERE id = ANY(%(ids)s::uuid [])

-- name: by_seq
seq = %(which)s

-- name: by_id
id = %(which)s

-- name: where_since
at >= %(since)s

-- name: where_until
at < %(until)s

-- name: where_kind
kind = %(kind)s

-- name: where_verdict
verdict = %(verdict)s

-- name: where_effect
effect = %(effect)s

-- name: where_actor
actor = left(%(actor)s, 500)

-- name: where_door
door = %(door)s

-- name: where_repository
repository = left(%(repository)s, 500)

-- name: where_target
(
    environment = left(%(target)s, 500)
    OR namespace = left(%(target)s, 500)
    OR service = left(%(target)s, 500)
    OR repository = left(%(target)s, 500)
    OR (namespace = left(%(namespace)s, 500) AND service = left(%(service)s, 500))
)

-- name: before
seq < %(after)s

-- name: beyond
seq > %(after)s

-- name: newest_first
ORDER BY seq DESC

-- name: oldest_first
ORDER BY seq
