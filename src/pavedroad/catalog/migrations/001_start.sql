CREATE TABLE artifacts (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    stage TEXT NOT NULL DEFAULT 'draft',
    tags TEXT NOT NULL DEFAULT '{}',
    links TEXT NOT NULL DEFAULT '{}',
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name, version)
);
CREATE INDEX artifacts_by_owner ON artifacts (owner, kind, name);

-- A lineage edge reads as a sentence: source verb target, "pipeline/x produced dataset/y@1".
CREATE TABLE edges (
    source TEXT NOT NULL,
    verb TEXT NOT NULL,
    target TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '',
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (source, verb, target, run_id)
);
CREATE INDEX edges_by_target ON edges (target, verb);

CREATE TABLE facts (
    seq INTEGER PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    who TEXT NOT NULL,
    verb TEXT NOT NULL,
    artifact TEXT NOT NULL,
    run_id TEXT NOT NULL DEFAULT '',
    payload TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX facts_by_artifact ON facts (artifact, seq);
CREATE INDEX facts_by_verb ON facts (verb, seq);
CREATE INDEX facts_by_run ON facts (run_id, seq);
