-- phase: pre
--
-- Documents in versions: policies as they were written, calendars as they were read.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE policies (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    document bytea NOT NULL CHECK (octet_length(document) <= 1048576),
    stored_by text NOT NULL CHECK (stored_by <> ''),
    stored_at timestamptz NOT NULL,
    active boolean NOT NULL DEFAULT false,
    activated_by text,
    activated_at timestamptz,
    CHECK (sha256 = encode(sha256(document), 'hex')),
    CHECK ((activated_by IS NULL) = (activated_at IS NULL)),
    CHECK (NOT active OR activated_at IS NOT NULL)
);

CREATE UNIQUE INDEX policies_one_active ON policies (active) WHERE active;

COMMENT ON TABLE policies IS
'Written by: whoever stores or activates a policy → read by: the servers, the dashboard.';

CREATE TABLE wedding_imports (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    weddings bigint NOT NULL CHECK (weddings >= 0),
    cancelled bigint NOT NULL CHECK (cancelled BETWEEN 0 AND weddings),
    imported_by text NOT NULL CHECK (imported_by <> ''),
    imported_at timestamptz NOT NULL
);

COMMENT ON TABLE wedding_imports IS
'Written by: each import of a calendar, whole or not at all → read by: the servers (the newest'
' version holds, its age is watched).';

CREATE TABLE weddings (
    version bigint NOT NULL REFERENCES wedding_imports (version) ON DELETE CASCADE,
    place bigint NOT NULL CHECK (place >= 1),
    id text NOT NULL CHECK (id <> ''),
    date date NOT NULL,
    timezone text NOT NULL CHECK (timezone <> ''),
    days bigint CHECK (days BETWEEN 1 AND 31),
    culture text NOT NULL CHECK (culture <> ''),
    guests bigint CHECK (guests >= 1),
    venue text,
    setting text,
    country text CHECK (country ~ '^[A-Z]{2}$'),
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    status text NOT NULL CHECK (status IN ('confirmed', 'tentative', 'cancelled')),
    booked_at text,
    PRIMARY KEY (version, place)
);

-- An id may be longer than an index entry; its digest is not. (convert_to alone counts as depending
-- on the database's encoding, which never changes.)
CREATE FUNCTION wedding_id_digest(id text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT sha256(convert_to(id, 'UTF8')) $$;

CREATE UNIQUE INDEX weddings_id ON weddings (version, wedding_id_digest(id));
CREATE INDEX weddings_date ON weddings (version, date);

COMMENT ON TABLE weddings IS
'Written by: each import of a calendar → read by: the load model of servers without calendar files.';
