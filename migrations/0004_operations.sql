-- phase: pre
--
-- What happens to the infrastructure around the decisions: floors, load, health, failures, notices.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE infrastructure_scaling_events (
    id uuid PRIMARY KEY,
    namespace text NOT NULL CHECK (namespace <> ''),
    name text NOT NULL CHECK (name <> ''),
    kind text NOT NULL CHECK (kind IN ('HorizontalPodAutoscaler', 'ScaledObject')),
    cause text NOT NULL CHECK (cause IN ('plan', 'manual', 'emergency', 'fallback')),
    level text CHECK (level IN ('NORMAL', 'HIGH', 'MAXIMUM')),
    by_actor text,
    reason text NOT NULL,
    from_min bigint CHECK (from_min >= 0),
    from_max bigint CHECK (from_max >= from_min),
    to_min bigint NOT NULL CHECK (to_min >= 0),
    to_max bigint NOT NULL CHECK (to_max >= to_min),
    planned_at timestamptz NOT NULL,
    until timestamptz CHECK (until > planned_at),
    applied_at timestamptz,
    desired_at timestamptz,
    ready_at timestamptz,
    restored_at timestamptz,
    CHECK (cause <> 'manual' OR (by_actor IS NOT NULL AND until IS NOT NULL)),
    CHECK (applied_at IS NOT NULL OR (desired_at IS NULL AND ready_at IS NULL AND restored_at IS NULL)),
    CHECK (desired_at >= applied_at),
    CHECK (ready_at >= desired_at)
);

COMMENT ON TABLE infrastructure_scaling_events IS
'Written by: each floor change, with planned, applied, desired and ready times → read by: the'
' orchestrator, the dashboard.';
CREATE INDEX infrastructure_scaling_events_target
ON infrastructure_scaling_events (namespace, name, planned_at DESC);
CREATE INDEX infrastructure_scaling_events_planned ON infrastructure_scaling_events (planned_at DESC);
CREATE INDEX infrastructure_scaling_events_pending ON infrastructure_scaling_events (planned_at)
WHERE ready_at IS NULL AND restored_at IS NULL;

CREATE TABLE wedding_load_monitoring (
    at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('booked', 'forecast', 'observed')),
    timezone text NOT NULL CHECK (timezone <> ''),
    culture text NOT NULL CHECK (culture <> ''),
    demand_units double precision NOT NULL CHECK (demand_units >= 0 AND demand_units < 'infinity'),
    weddings bigint NOT NULL CHECK (weddings >= 0),
    PRIMARY KEY (at, source, timezone, culture)
);

COMMENT ON TABLE wedding_load_monitoring IS
'Written by: load samples by zone and culture → read by: /metrics/wedding-load, the forecast''s'
' history.';
CREATE INDEX wedding_load_monitoring_source ON wedding_load_monitoring (source, at DESC);

CREATE TABLE infrastructure_performance_metrics (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    component text NOT NULL CHECK (component <> ''),
    metric text NOT NULL CHECK (metric IN ('latency', 'errors', 'saturation')),
    value double precision NOT NULL CHECK (value >= 0 AND value < 'infinity'),
    unit text NOT NULL CHECK (unit IN ('seconds', 'ratio')),
    CHECK ((metric = 'latency') = (unit = 'seconds'))
);

COMMENT ON TABLE infrastructure_performance_metrics IS
'Written by: the monitor, latency, errors and saturation of what is protected and of the gate and'
' its database → read by: degradation alerts.';
CREATE INDEX infrastructure_performance_metrics_component
ON infrastructure_performance_metrics (component, metric, at DESC);

CREATE TABLE infrastructure_health_checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    status text NOT NULL CHECK (status IN ('ready', 'degraded', 'not-ready')),
    detail text NOT NULL,
    latency_seconds double precision CHECK (latency_seconds >= 0)
);

COMMENT ON TABLE infrastructure_health_checks IS
'Written by: each readiness probe of each dependency → read by: /health/wedding-readiness.';
CREATE INDEX infrastructure_health_checks_name ON infrastructure_health_checks (name, at DESC);

CREATE TABLE infrastructure_failures (
    id uuid PRIMARY KEY,
    component text NOT NULL CHECK (component <> ''),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    summary text NOT NULL CHECK (summary <> ''),
    detail text NOT NULL DEFAULT '',
    health_check bigint REFERENCES infrastructure_health_checks (id) ON DELETE SET NULL,
    opened_at timestamptz NOT NULL,
    acknowledged_at timestamptz CHECK (acknowledged_at >= opened_at),
    acknowledged_by text,
    resolved_at timestamptz CHECK (resolved_at >= opened_at),
    resolved_by text,
    remedy text,
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    CHECK ((resolved_at IS NULL) = (remedy IS NULL))
);

COMMENT ON TABLE infrastructure_failures IS
'Written by: failed probes and people, from open through acknowledged to resolved → read by:'
' escalation, the dashboard.';
CREATE UNIQUE INDEX infrastructure_failures_open ON infrastructure_failures (component, summary)
WHERE resolved_at IS NULL;
CREATE INDEX infrastructure_failures_opened ON infrastructure_failures (opened_at DESC);
CREATE INDEX infrastructure_failures_health_check ON infrastructure_failures (health_check);

CREATE TABLE emergency_notifications (
    id uuid PRIMARY KEY,
    failure uuid REFERENCES infrastructure_failures (id),
    severity text NOT NULL CHECK (severity = 'critical'),
    subject text NOT NULL CHECK (subject <> ''),
    body text NOT NULL,
    step bigint NOT NULL DEFAULT 1 CHECK (step >= 1),
    raised_at timestamptz NOT NULL,
    escalate_at timestamptz CHECK (escalate_at >= raised_at),
    sent_at timestamptz,
    acknowledged_at timestamptz CHECK (acknowledged_at >= raised_at),
    acknowledged_by text,
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);

COMMENT ON TABLE emergency_notifications IS
'Written by: critical alerts, their escalation steps and acknowledgements → read by: the escalation'
' worker.';
CREATE INDEX emergency_notifications_due ON emergency_notifications (escalate_at)
WHERE acknowledged_at IS NULL;
CREATE INDEX emergency_notifications_failure ON emergency_notifications (failure);

CREATE TABLE infrastructure_notifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedup_key text NOT NULL UNIQUE CHECK (dedup_key <> ''),
    channel text NOT NULL CHECK (channel <> ''),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    subject text NOT NULL CHECK (subject <> ''),
    body text NOT NULL,
    queued_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text,
    sent_at timestamptz CHECK (sent_at >= queued_at)
);

COMMENT ON TABLE infrastructure_notifications IS
'Written by: whoever has an ordinary notice (an outbox: at least once, deduplicated) → read by: the'
' notifier.';
CREATE INDEX infrastructure_notifications_due ON infrastructure_notifications (due_at)
WHERE sent_at IS NULL;

CREATE TABLE cultural_wedding_optimizations (
    culture text NOT NULL CHECK (culture <> ''),
    valid_from timestamptz NOT NULL,
    policy_sha256 text NOT NULL CHECK (policy_sha256 ~ '^[0-9a-f]{64}$'),
    factor numeric NOT NULL CHECK (factor >= 0),
    guests bigint NOT NULL CHECK (guests BETWEEN 1 AND 1000000),
    days bigint NOT NULL CHECK (days BETWEEN 1 AND 31),
    observed_factor double precision CHECK (observed_factor >= 0 AND observed_factor < 'infinity'),
    observed_samples bigint NOT NULL DEFAULT 0 CHECK (observed_samples >= 0),
    PRIMARY KEY (culture, valid_from),
    CHECK ((observed_factor IS NULL) = (observed_samples = 0))
);

COMMENT ON TABLE cultural_wedding_optimizations IS
'Written by: a policy''s first load (culture profiles, effective-dated) and what is learnt from load'
' → read by: the load model.';

CREATE TABLE infrastructure_cache_configs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    level text NOT NULL CHECK (level IN ('NORMAL', 'HIGH', 'MAXIMUM')),
    valid_from timestamptz NOT NULL,
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    applied_at timestamptz CHECK (applied_at >= valid_from),
    UNIQUE (level, valid_from)
);

COMMENT ON TABLE infrastructure_cache_configs IS
'Written by: each change of the level (cache and warm-up settings) → read by: the pre-scaler, which'
' applies them as a ConfigMap.';
