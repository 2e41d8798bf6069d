-- The newest points of every curve, until there are enough of them to pack. A point sent twice (a retried request) is one
-- point, so all columns are the key, and the table is its own index.
CREATE TABLE metrics (
    curve BIGINT NOT NULL REFERENCES latest_metrics (curve),
    at_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, -- 0 when is_nan
    is_nan BIGINT NOT NULL,
    PRIMARY KEY (curve, at_ms, step, value, is_nan)
) WITHOUT ROWID;

-- Points packed as columns, in order of time, step, value. Blocks of one curve do not overlap, but loose ones may: those
-- wait to be packed again, together with the rows of `metrics`.
CREATE TABLE metric_blocks (
    no INTEGER PRIMARY KEY,
    curve BIGINT NOT NULL REFERENCES latest_metrics (curve),
    is_loose BIGINT NOT NULL,
    points BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    first_step BIGINT NOT NULL,
    first_value DOUBLE PRECISION NOT NULL,
    last_ms BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    last_value DOUBLE PRECISION NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX metric_blocks_by_curve ON metric_blocks (curve, last_ms);

-- What was logged at once of many curves of a run, the newest point of each: one row instead of one in every curve. They
-- are moved to the two tables above before there are many of them.
CREATE TABLE metric_batches (
    no INTEGER PRIMARY KEY,
    run_no BIGINT NOT NULL REFERENCES runs (no),
    payload BLOB NOT NULL
);
CREATE INDEX metric_batches_by_run ON metric_batches (run_no);
