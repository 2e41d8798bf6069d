-- A run of a pipeline. Its parameters, metrics, tags and times are those of the MLflow run of the same id.
CREATE TABLE pipeline_runs (
    run_id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    target TEXT NOT NULL,
    status TEXT NOT NULL,
    graph TEXT NOT NULL DEFAULT '[]',
    environment TEXT NOT NULL DEFAULT '',
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    pid BIGINT NOT NULL,
    process_started TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    heartbeat_ms BIGINT NOT NULL
);
CREATE INDEX pipeline_runs_by_status ON pipeline_runs (status, host);
CREATE INDEX pipeline_runs_by_pipeline ON pipeline_runs (project, pipeline, started_ms);

-- One call of a step in a run; `step_run_id` is its MLflow run.
CREATE TABLE step_runs (
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    node TEXT NOT NULL,
    position BIGINT NOT NULL,
    step_run_id TEXT NOT NULL,
    function TEXT NOT NULL,
    cache_key TEXT NOT NULL DEFAULT '',
    verdict TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 1,
    peak_memory_bytes BIGINT NOT NULL DEFAULT 0,
    code TEXT NOT NULL DEFAULT '',
    inputs TEXT NOT NULL DEFAULT '{}',
    output TEXT NOT NULL DEFAULT '',
    cached_from TEXT NOT NULL DEFAULT '',
    because TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, step)
);
CREATE INDEX step_runs_by_step_run ON step_runs (step_run_id);
CREATE INDEX step_runs_by_function ON step_runs (function, started_ms);

-- What a step gave for a key. The values lie in the file store, or in `output` when they are small.
CREATE TABLE cache_entries (
    cache_key TEXT PRIMARY KEY,
    function TEXT NOT NULL,
    step TEXT NOT NULL,
    run_id TEXT NOT NULL,
    step_run_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    output TEXT NOT NULL,
    metrics TEXT NOT NULL DEFAULT '{}',
    params TEXT NOT NULL DEFAULT '{}',
    models TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX cache_entries_by_function ON cache_entries (function, created_ms);

-- The parts of a step's code, once for all the calls that had them.
CREATE TABLE code_parts (
    digest TEXT PRIMARY KEY,
    parts TEXT NOT NULL,
    shown TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE environments (
    digest TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL
);

-- The project's manifest as it was when it ran.
CREATE TABLE project_snapshots (
    project TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    root TEXT NOT NULL,
    manifest_json TEXT NOT NULL,
    PRIMARY KEY (project, run_id)
);
CREATE INDEX project_snapshots_by_time ON project_snapshots (project, at_ms);
