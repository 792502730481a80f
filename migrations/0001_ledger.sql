-- phase: pre
--
-- The ledger: a chain of rows in which every decision and every act of a person stands once.
-- Only the function ledger_append writes it; the triggers refuse all else, to the owner, too.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE saturday_protection_audit (
    seq bigint PRIMARY KEY CHECK (seq >= 1),
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    payload bytea NOT NULL CHECK (octet_length(payload) BETWEEN 2 AND 1048576),
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z-]{0,31}$'),
    at timestamptz NOT NULL,
    door text NOT NULL CHECK (door ~ '^[a-z][a-z0-9-]{0,31}$'),
    writer text NOT NULL CHECK (writer ~ '^[!-~]{1,100}$'),
    number bigint NOT NULL CHECK (number >= 1),
    verdict text CHECK (verdict IN ('allow', 'deny', 'undecided')),
    effect text CHECK (effect IN ('allow', 'warn', 'block')),
    phase text CHECK (phase IN ('open', 'lead', 'locked')),
    action text NOT NULL CHECK (action ~ '^[a-z][a-z-]{0,31}$'),
    invoker text CHECK (invoker IN ('human', 'automation')),
    actor text,
    environment text,
    namespace text,
    service text,
    repository text,
    policy_sha256 text CHECK (policy_sha256 ~ '^[0-9a-f]{64}$'),
    subject text,
    UNIQUE (writer, number),
    CHECK ((kind = 'decision') = (verdict IS NOT NULL)),
    CHECK ((verdict IS NULL) = (effect IS NULL)),
    CHECK ((verdict IS NULL) = (invoker IS NULL))
);

-- A payload of some kilobytes is read more often than it is worth squeezing.
ALTER TABLE saturday_protection_audit ALTER COLUMN payload SET STORAGE EXTERNAL;

COMMENT ON TABLE saturday_protection_audit IS
'Written by: every decision, override, lock, policy and calendar change, emergency, through'
' ledger_append → read by: gate audit, the dashboard, verify.';
COMMENT ON COLUMN saturday_protection_audit.payload IS
'RFC 8785 form of the decision (or of the event); hash = SHA-256(prev_hash || payload).';
COMMENT ON COLUMN saturday_protection_audit.id IS
'UUIDv7 of the payload. Its 74 bits beside the time are SHA-256 of door, writer and number,'
' which the chain so covers.';
COMMENT ON COLUMN saturday_protection_audit.subject IS
'What the row is about: the override that a decision used, the lock, override or document of an'
' event.';

CREATE INDEX saturday_protection_audit_at ON saturday_protection_audit (at, seq);
CREATE INDEX saturday_protection_audit_actor ON saturday_protection_audit (actor, seq)
WHERE actor IS NOT NULL;
CREATE INDEX saturday_protection_audit_door ON saturday_protection_audit (door, seq);
-- Allowing decisions are nearly all of them: who looks for those finds them without an index.
CREATE INDEX saturday_protection_audit_verdict ON saturday_protection_audit (verdict, seq)
WHERE verdict <> 'allow';
CREATE INDEX saturday_protection_audit_effect ON saturday_protection_audit (effect, seq)
WHERE effect <> 'allow';
CREATE INDEX saturday_protection_audit_subject ON saturday_protection_audit (subject, seq)
WHERE subject IS NOT NULL;
CREATE INDEX saturday_protection_audit_environment ON saturday_protection_audit (environment, seq)
WHERE environment IS NOT NULL;
CREATE INDEX saturday_protection_audit_namespace ON saturday_protection_audit (namespace, seq)
WHERE namespace IS NOT NULL;
CREATE INDEX saturday_protection_audit_service ON saturday_protection_audit (service, seq)
WHERE service IS NOT NULL;
CREATE INDEX saturday_protection_audit_repository ON saturday_protection_audit (repository, seq)
WHERE repository IS NOT NULL;

CREATE TABLE ledger_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq bigint NOT NULL CHECK (seq >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 10);

COMMENT ON TABLE ledger_head IS
'Written by: ledger_append, which locks its one row → read by: ledger_append and verify.';

INSERT INTO ledger_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE TABLE ledger_checkpoints (
    origin text NOT NULL CHECK (origin ~ '^[^[:space:]+]{1,200}$'),
    size bigint NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    note text NOT NULL,
    frontier bytea [] NOT NULL,
    key_id bytea NOT NULL CHECK (octet_length(key_id) = 4),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (origin, key_id, size)
);

COMMENT ON TABLE ledger_checkpoints IS
'Written by: gate audit checkpoint → read by: the next checkpoint (which extends it), the dashboard.';
COMMENT ON COLUMN ledger_checkpoints.frontier IS
'Roots of the full subtrees of the first size rows, largest first; they give root.';

CREATE FUNCTION ledger_refuse() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only appended to: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER only_append
BEFORE UPDATE OR DELETE OR TRUNCATE ON saturday_protection_audit
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
-- Also where a session plays a replica.
ALTER TABLE saturday_protection_audit ENABLE ALWAYS TRIGGER only_append;

CREATE TRIGGER only_append
BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_checkpoints ENABLE ALWAYS TRIGGER only_append;

CREATE TRIGGER stays
BEFORE DELETE OR TRUNCATE ON ledger_head
FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_head ENABLE ALWAYS TRIGGER stays;

-- The bytes of an id (after the six of its time) that commit it to who wrote it, and where:
-- SHA-256 of 'door/writer' and the number as eight bytes, with UUIDv7's version and variant set.
-- Expressions without a subquery, so that the planner can inline them.
CREATE FUNCTION ledger_digest(door text, writer text, number bigint) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT sha256(textsend(door || '/' || writer) || int8send(number)) $$;

CREATE FUNCTION ledger_commitment(door text, writer text, number bigint) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT substr(
        set_byte(
            set_byte(
                ledger_digest(door, writer, number),
                0, 112 | (get_byte(ledger_digest(door, writer, number), 0) & 15)
            ),
            2, 128 | (get_byte(ledger_digest(door, writer, number), 2) & 63)
        ), 1, 10
    )
$$;

-- A column's text: PostgreSQL's text has no NUL, and an index entry no more than some 2 700 bytes.
-- The payload keeps all.
CREATE FUNCTION ledger_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT left(value, 500) $$;

-- The payload as jsonb, which knows no NUL either: U+FFFD stands for it.
CREATE FUNCTION ledger_body(payload bytea) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN position('\\u0000'::bytea IN payload) = 0 THEN convert_from(payload, 'UTF8')
        ELSE regexp_replace(
            convert_from(payload, 'UTF8'), '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g'
        )
    END::jsonb
$$;

-- Appends a batch and returns the seq of each given row, in the order given.
--
-- The head row is locked first, so that batches follow one another without a gap. A (writer,
-- number) that is known already is not written again; its payload must be the same. The columns
-- are taken from the payload here and nowhere else.
CREATE FUNCTION ledger_append(
    doors text [], writers text [], numbers bigint [], payloads bytea []
) RETURNS bigint []
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    head ledger_head;
    given record;
    -- Filled with NULL from the start: an array that is first set at its end would begin there.
    seqs bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(payloads)]);
    fresh bigint[] := seqs;
    prev_hashes bytea[] := array_fill(NULL::bytea, ARRAY[cardinality(payloads)]);
    hashes bytea[] := prev_hashes;
    place integer := 0;
    forged boolean;
BEGIN
    IF cardinality(doors) IS DISTINCT FROM cardinality(payloads)
        OR cardinality(writers) IS DISTINCT FROM cardinality(payloads)
        OR cardinality(numbers) IS DISTINCT FROM cardinality(payloads) THEN
        RAISE EXCEPTION 'the arrays of a batch differ in length'
            USING ERRCODE = 'array_subscript_error';
    END IF;

    SELECT h.* INTO STRICT head FROM ledger_head AS h FOR UPDATE;

    FOR given IN
        SELECT
            b.payload,
            known.seq AS known_seq,
            known.payload AS known_payload,
            min(b.place) OVER same AS first_place,
            first_value(b.payload) OVER same AS first_payload,
            b.place
        FROM unnest(doors, writers, numbers, payloads)
            WITH ORDINALITY AS b (door, writer, number, payload, place)
        LEFT JOIN saturday_protection_audit AS known
            ON known.writer = b.writer AND known.number = b.number
        WINDOW same AS (PARTITION BY b.writer, b.number ORDER BY b.place)
        ORDER BY b.place
    LOOP
        place := given.place;
        IF given.payload IS DISTINCT FROM coalesce(given.known_payload, given.first_payload) THEN
            RAISE EXCEPTION 'writer % has written number % before, with another payload',
                writers[place], numbers[place]
                USING ERRCODE = 'unique_violation';
        ELSIF given.known_seq IS NOT NULL THEN
            seqs[place] := given.known_seq;
        ELSIF given.first_place < place THEN
            seqs[place] := seqs[given.first_place];
        ELSE
            prev_hashes[place] := head.hash;
            head.seq := head.seq + 1;
            head.hash := sha256(head.hash || given.payload);
            seqs[place] := head.seq;
            fresh[place] := head.seq;
            hashes[place] := head.hash;
        END IF;
    END LOOP;

    WITH added AS (
        INSERT INTO saturday_protection_audit (
            seq, prev_hash, hash, payload, id, kind, at, door, writer, number, verdict, effect, phase,
            action, invoker, actor, environment, namespace, service, repository, policy_sha256, subject
        )
        SELECT
            b.seq, b.prev_hash, b.hash, b.payload, body.id, coalesce(body.kind, 'decision'), body.at,
            b.door, b.writer, b.number, body.verdict, body.effect, body.phase,
            coalesce(request.action, body.action),
            request.invoker,
            ledger_text(coalesce(request.actor, body.actor)),
            ledger_text(request.environment),
            ledger_text(request.namespace),
            ledger_text(request.service),
            ledger_text(request.repository),
            body.policy ->> 'sha256',
            ledger_text(coalesce(body.override ->> 'id', body.subject))
        FROM unnest(doors, writers, numbers, payloads, fresh, prev_hashes, hashes)
            AS b (door, writer, number, payload, seq, prev_hash, hash)
        CROSS JOIN LATERAL jsonb_to_record(ledger_body(b.payload)) AS body (
            id uuid, kind text, at timestamptz, verdict text, effect text, phase text,
            action text, actor text, policy jsonb, override jsonb, subject text, request jsonb
        )
        LEFT JOIN LATERAL jsonb_to_record(body.request) AS request (
            action text, invoker text, actor text,
            environment text, namespace text, service text, repository text
        ) ON body.kind IS NULL
        WHERE b.seq IS NOT NULL
        RETURNING id, door, writer, number
    )
    SELECT bool_or(
        substr(uuid_send(added.id), 7) <> ledger_commitment(added.door, added.writer, added.number)
    )
    INTO forged
    FROM added;
    IF forged THEN
        RAISE EXCEPTION 'an id of the batch is not that of its door, writer and number'
            USING ERRCODE = 'check_violation';
    END IF;

    UPDATE ledger_head SET seq = head.seq, hash = head.hash;
    RETURN seqs;
END
$$;

COMMENT ON FUNCTION ledger_append(text [], text [], bigint [], bytea []) IS
'The only writer of saturday_protection_audit.';
