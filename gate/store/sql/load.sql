-- name: lock_samples
-- Servers that sample the same instant wait for one another: the second finds it sampled.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/load-samples', 0))

-- name: sampled
SELECT EXISTS (
    SELECT FROM wedding_load_monitoring WHERE at = %(at)s AND source = %(source)s
)

-- name: insert_samples
INSERT INTO wedding_load_monitoring (at, source, timezone, culture, demand_units, weddings)
SELECT %(at)s, %(source)s, part.timezone, part.culture, part.demand_units, part.weddings
FROM unnest(
    %(timezones)s::text [], %(cultures)s::text [], %(units)s::double precision [],
    %(weddings)s::bigint []
) AS part (timezone, culture, demand_units, weddings)

-- name: prune_samples
-- Bounded: what is left over is for the next time.
DELETE FROM wedding_load_monitoring
WHERE ctid = ANY(
    ARRAY(
        SELECT ctid FROM wedding_load_monitoring WHERE at < %(before)s ORDER BY at LIMIT %(most)s
    )
)

-- name: load_series
-- Each instant's parts are summed first; a step then holds the mean and the peak of its instants.
SELECT
    date_bin(%(step)s, at, %(start)s) AS step,
    source,
    avg(units) AS mean_units,
    max(units) AS peak_units,
    count(*) AS samples
FROM (
    SELECT at, source, sum(demand_units) AS units
    FROM wedding_load_monitoring
    WHERE at >= %(start)s AND at < %(end)s
    GROUP BY at, source
) AS whole
GROUP BY step, source
ORDER BY step, source

-- name: load_parts
-- The parts of the newest instant of each source that is not older than ``since``.
SELECT part.at, part.source, part.timezone, part.culture, part.demand_units, part.weddings
FROM wedding_load_monitoring AS part
INNER JOIN (
    SELECT source, max(at) AS at
    FROM wedding_load_monitoring
    WHERE at > %(since)s AND at <= %(now)s
    GROUP BY source
) AS newest ON part.source = newest.source AND part.at = newest.at
ORDER BY part.source, part.timezone, part.culture

-- name: learning_samples
-- Booked and observed by culture, as means over the instants of an hour that have both.
WITH parts AS (
    SELECT at, source, culture, sum(demand_units) AS units
    FROM wedding_load_monitoring
    WHERE at >= %(start)s AND at < %(end)s AND source IN ('booked', 'observed')
    GROUP BY at, source, culture
), instants AS (
    SELECT at, date_trunc('hour', at) AS hour
    FROM parts
    GROUP BY at
    HAVING bool_or(source = 'booked') AND bool_or(source = 'observed')
), hours AS (
    SELECT hour, count(*) AS instants FROM instants GROUP BY hour
), means AS (
    SELECT hour, parts.source, parts.culture, sum(parts.units) / min(hours.instants) AS units
    FROM parts
    INNER JOIN instants USING (at)
    INNER JOIN hours USING (hour)
    GROUP BY hour, parts.source, parts.culture
)
SELECT
    jsonb_object_agg(culture, units) FILTER (WHERE source = 'booked') AS booked,
    jsonb_object_agg(culture, units) FILTER (WHERE source = 'observed') AS observed
FROM means
GROUP BY hour
ORDER BY hour

-- name: profiles_known
SELECT EXISTS (SELECT FROM cultural_wedding_optimizations WHERE policy_sha256 = %(sha256)s)

-- name: newest_profiles
SELECT DISTINCT ON (culture)
    culture, valid_from, policy_sha256, factor, guests, days, observed_factor, observed_samples
FROM cultural_wedding_optimizations
WHERE valid_from <= %(at)s
ORDER BY culture ASC, valid_from DESC

-- name: all_profiles
-- The newest ones are as many as anybody looks at; older ones stay for the record.
SELECT *
FROM (
    SELECT
        culture, valid_from, policy_sha256, factor, guests, days, observed_factor,
        observed_samples
    FROM cultural_wedding_optimizations
    ORDER BY valid_from DESC, culture DESC
    LIMIT 1000
) AS newest
ORDER BY valid_from, culture

-- name: insert_profile
INSERT INTO cultural_wedding_optimizations (
    culture, valid_from, policy_sha256, factor, guests, days, observed_factor, observed_samples
) VALUES (
    %(culture)s, %(valid_from)s, %(policy_sha256)s, %(factor)s, %(guests)s, %(days)s,
    %(observed_factor)s, %(observed_samples)s
)
ON CONFLICT (culture, valid_from) DO NOTHING
