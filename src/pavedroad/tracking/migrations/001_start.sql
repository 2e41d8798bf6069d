CREATE TABLE experiments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- journal and clients know it: the id of an erased one is never given again
    name TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    lifecycle_stage TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
-- The name of a deleted experiment is free again.
CREATE UNIQUE INDEX experiments_by_name ON experiments (name) WHERE lifecycle_stage = 'active';
CREATE INDEX experiments_by_any_name ON experiments (name);

CREATE TABLE experiment_tags (
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
);

-- Where runs go that name no experiment. It is as old as the record.
INSERT INTO experiments (id, name, artifact_location, lifecycle_stage, created_ms, updated_ms)
SELECT 0, 'Default', 'mlflow-artifacts:/0', 'active', COALESCE(MIN(at_ms), 0), COALESCE(MIN(at_ms), 0) FROM schema_migrations;

-- Rows of a run name it by its short number, not by its 32 digits: there are millions of them.
CREATE TABLE runs (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    heartbeat_ms BIGINT, -- the last sign of life; NULL for runs that give none
    lifecycle_stage TEXT NOT NULL,
    deleted_ms BIGINT,
    artifact_uri TEXT NOT NULL
);
-- A search filters and orders runs by these columns without a look at the rows.
CREATE INDEX runs_by_start ON runs (experiment_id, lifecycle_stage, start_ms DESC, id, no, end_ms, status, user_id, name);
CREATE INDEX runs_by_any_start ON runs (lifecycle_stage, start_ms DESC, id, experiment_id, no, end_ms, status, user_id, name);

CREATE TABLE params (
    run_no BIGINT NOT NULL REFERENCES runs (no),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_no, key)
);
-- A search reads the values of one key from these indexes alone. Long ones do not fit into an index of PostgreSQL.
CREATE INDEX params_by_value ON params (key, value, run_no) WHERE length(value) <= 200;
CREATE INDEX params_by_key ON params (key, run_no) WHERE length(value) > 200;

CREATE TABLE tags (
    run_no BIGINT NOT NULL REFERENCES runs (no),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_no, key)
);
CREATE INDEX tags_by_value ON tags (key, value, run_no) WHERE length(value) <= 200;
CREATE INDEX tags_by_key ON tags (key, run_no) WHERE length(value) > 200;

-- One row per curve: its last point, so that lists and searches never read the points.
CREATE TABLE latest_metrics (
    curve INTEGER PRIMARY KEY,
    run_no BIGINT NOT NULL REFERENCES runs (no),
    key TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL, -- 0 when is_nan
    is_nan BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    points BIGINT NOT NULL, -- how many the curve has
    min_value DOUBLE PRECISION, -- of all points that are numbers; NULL when none is
    max_value DOUBLE PRECISION,
    loose BIGINT NOT NULL DEFAULT 0, -- how many points wait to be packed
    high_ms BIGINT, -- time, step and value of the point that is last by time: what lies after it is new
    high_step BIGINT,
    high_value DOUBLE PRECISION,
    UNIQUE (run_no, key)
);
CREATE INDEX latest_metrics_by_value ON latest_metrics (key, is_nan, value, run_no, min_value, max_value);

CREATE TABLE datasets (
    no INTEGER PRIMARY KEY,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT NOT NULL,
    profile TEXT NOT NULL,
    UNIQUE (experiment_id, name, digest)
);

CREATE TABLE run_inputs (
    no INTEGER PRIMARY KEY,
    run_no BIGINT NOT NULL REFERENCES runs (no),
    dataset_no BIGINT NOT NULL REFERENCES datasets (no),
    UNIQUE (run_no, dataset_no)
);
CREATE INDEX run_inputs_by_dataset ON run_inputs (dataset_no);

CREATE TABLE run_input_tags (
    input_no BIGINT NOT NULL REFERENCES run_inputs (no),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (input_no, key)
);

CREATE TABLE logged_models (
    id TEXT PRIMARY KEY,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    status TEXT NOT NULL,
    status_message TEXT NOT NULL,
    model_type TEXT NOT NULL,
    source_run_id TEXT NOT NULL,
    lifecycle_stage TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE INDEX logged_models_by_experiment ON logged_models (experiment_id, lifecycle_stage, created_ms);
CREATE INDEX logged_models_by_run ON logged_models (source_run_id);

CREATE TABLE logged_model_params (
    model_id TEXT NOT NULL REFERENCES logged_models (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
);

CREATE TABLE logged_model_tags (
    model_id TEXT NOT NULL REFERENCES logged_models (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
);

CREATE TABLE logged_model_metrics (
    model_id TEXT NOT NULL REFERENCES logged_models (id),
    run_id TEXT NOT NULL,
    key TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BIGINT NOT NULL,
    dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    PRIMARY KEY (model_id, run_id, key, at_ms, step, value, is_nan)
);

-- The logged models that a run used (input) or made (output).
CREATE TABLE run_models (
    run_no BIGINT NOT NULL REFERENCES runs (no),
    direction TEXT NOT NULL,
    model_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run_no, direction, model_id, step)
);

-- One tree of files by name; their bytes lie in the file store under their digest. Folders have rows of their own, so that
-- listing one is one look-up, however many files the tree holds.
CREATE TABLE artifact_entries (
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    is_dir BIGINT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (folder, name)
);
CREATE INDEX artifact_entries_by_digest ON artifact_entries (digest);
