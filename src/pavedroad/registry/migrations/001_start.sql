CREATE TABLE registered_models (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE registered_model_tags (
    name TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, key)
);

CREATE TABLE model_versions (
    uid TEXT PRIMARY KEY,
    name TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    version BIGINT NOT NULL,
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    digest TEXT NOT NULL DEFAULT '',
    run_id TEXT NOT NULL DEFAULT '',
    model_id TEXT NOT NULL DEFAULT '',
    run_link TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'READY',
    stage TEXT NOT NULL DEFAULT 'None',
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    UNIQUE (name, version)
);
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE INDEX model_versions_by_model ON model_versions (model_id);
CREATE INDEX model_versions_by_update ON model_versions (updated_ms);

CREATE TABLE model_version_tags (
    uid TEXT NOT NULL REFERENCES model_versions (uid) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (uid, key)
);

-- What was registered, file by file: the digests that loading and serving verify.
CREATE TABLE model_version_files (
    uid TEXT NOT NULL REFERENCES model_versions (uid) ON DELETE CASCADE,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (uid, path)
);

CREATE TABLE model_aliases (
    name TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    alias TEXT NOT NULL,
    uid TEXT NOT NULL REFERENCES model_versions (uid) ON DELETE CASCADE,
    PRIMARY KEY (name, alias)
);
CREATE INDEX model_aliases_by_version ON model_aliases (uid);

-- From here on nothing is deleted: what a name meant, and what was decided about it, outlives the version.
-- A name and number mean one version for ever, so that lineage and journal stay true after a delete or a rename.
CREATE TABLE model_version_numbers (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    uid TEXT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE gate_evaluations (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    alias TEXT NOT NULL,
    digest TEXT NOT NULL,
    passed BIGINT NOT NULL,
    who TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX gate_evaluations_by_version ON gate_evaluations (uid, id);

CREATE TABLE gate_evidence (
    evaluation_id BIGINT NOT NULL REFERENCES gate_evaluations (id),
    place BIGINT NOT NULL,
    gate TEXT NOT NULL,
    verdict TEXT NOT NULL,
    says TEXT NOT NULL,
    next_step TEXT NOT NULL,
    inputs TEXT NOT NULL,
    PRIMARY KEY (evaluation_id, place)
);

CREATE TABLE gate_exemptions (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL,
    gate TEXT NOT NULL,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    who TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX gate_exemptions_by_version ON gate_exemptions (uid, gate, id);

CREATE TABLE model_approvals (
    uid TEXT NOT NULL,
    who TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (uid, who)
);

CREATE TABLE alias_moves (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    what TEXT NOT NULL,
    version BIGINT NOT NULL,
    uid TEXT NOT NULL,
    run_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    previous BIGINT NOT NULL,
    previous_uid TEXT NOT NULL,
    evaluation_id BIGINT NOT NULL,
    who TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX alias_moves_by_name ON alias_moves (name, alias, id);

-- The secret of a webhook is in a file of the machine, never here.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    has_secret BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE webhook_events (
    event TEXT NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    place BIGINT NOT NULL,
    PRIMARY KEY (event, webhook_id)
);

CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    http_status BIGINT NOT NULL,
    error TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (state, next_ms);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, created_ms);
