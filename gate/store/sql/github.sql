-- name: take_heads
INSERT INTO github_deliveries (
    id, event, action, repository, sha, state, received_at, next_attempt_at
) VALUES (
    %(id)s, %(event)s, %(action)s, %(repository)s, %(sha)s, 'waiting', %(now)s, %(now)s
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: take_protection
WITH delivery AS (
    INSERT INTO github_deliveries (
        id, event, action, repository, state, received_at, next_attempt_at, finished_at
    ) VALUES (
        %(id)s, %(event)s, %(action)s, %(repository)s, 'done', %(now)s, %(now)s, %(now)s
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
INSERT INTO github_protection_requests (
    delivery, repository, repository_id, run_id, environment, deployment_id, actor, invoker,
    requested_at, next_check_at
)
SELECT
    id, %(repository)s, %(repository_id)s, %(run_id)s, %(environment)s, %(deployment_id)s,
    %(actor)s, %(invoker)s, %(now)s, %(now)s
FROM delivery
ON CONFLICT (repository_id, run_id, environment, deployment_id) DO NOTHING
RETURNING delivery

-- name: session
SET idle_session_timeout = '120s'

-- name: waiting_protection
SELECT
    number, repository, run_id, environment, actor, invoker, requested_at, next_check_at, attempts,
    sending, comments, told_at, told_verdict, told_until
FROM github_protection_requests
WHERE state = 'waiting' AND next_check_at <= %(now)s
ORDER BY told_at NULLS FIRST, requested_at, number

-- name: protection
SELECT
    number, repository, run_id, environment, actor, invoker, requested_at, next_check_at, attempts,
    sending, comments, told_at, told_verdict, told_until
FROM github_protection_requests
WHERE number = %(number)s AND state = 'waiting' AND next_check_at <= %(now)s

-- name: claim_protection
SELECT pg_try_advisory_lock(
    hashtextextended(current_schema() || '/github-protection/' || %(number)s::text, 0)
)

-- name: release_protection
SELECT pg_advisory_unlock(
    hashtextextended(current_schema() || '/github-protection/' || %(number)s::text, 0)
)

-- name: sending_protection
UPDATE github_protection_requests
SET sending = %(state)s, decision_id = %(decision_id)s
WHERE number = %(number)s

-- name: commenting_protection
UPDATE github_protection_requests
SET decision_id = %(decision_id)s, comments = comments + 1
WHERE number = %(number)s

-- name: told_protection
UPDATE github_protection_requests
SET
    told_at = %(now)s, told_verdict = %(verdict)s, told_until = %(until)s, last_comment = %(comment)s,
    last_error = %(error)s, attempts = 0
WHERE number = %(number)s

-- name: finish_protection
UPDATE github_protection_requests
SET state = %(state)s, finished_at = %(now)s, sending = NULL, last_error = %(error)s
WHERE number = %(number)s

-- name: later_protection
UPDATE github_protection_requests
SET next_check_at = %(next)s, attempts = attempts + 1, last_error = %(error)s
WHERE number = %(number)s

-- name: claim_heads
SELECT id, repository, sha, attempts
FROM github_deliveries
WHERE state = 'waiting' AND next_attempt_at <= %(now)s
ORDER BY next_attempt_at
LIMIT 100
FOR UPDATE SKIP LOCKED

-- name: heads_done
UPDATE github_deliveries
SET state = 'done', finished_at = %(now)s, attempts = attempts + 1
WHERE id = %(id)s

-- name: heads_later
UPDATE github_deliveries
SET next_attempt_at = %(next)s, attempts = attempts + 1, last_error = %(error)s
WHERE id = %(id)s

-- name: heads_failed
UPDATE github_deliveries
SET state = 'failed', finished_at = %(now)s, attempts = attempts + 1, last_error = %(error)s
WHERE id = %(id)s

-- name: prune_protections
DELETE FROM github_protection_requests
WHERE
    number IN (
        SELECT number FROM github_protection_requests
        WHERE state <> 'waiting' AND finished_at < %(before)s
        ORDER BY finished_at
        LIMIT 1000
    )

-- name: prune_deliveries
DELETE FROM github_deliveries
WHERE
    id IN (
        SELECT id FROM github_deliveries
        WHERE state <> 'waiting' AND finished_at < %(before)s
        ORDER BY finished_at
        LIMIT 1000
    )

-- name: repositories
SELECT DISTINCT ON (lower(repository)) repository
FROM github_deliveries
ORDER BY lower(repository), received_at DESC
