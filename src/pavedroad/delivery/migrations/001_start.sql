CREATE TABLE packages (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    project TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    tree_digest TEXT NOT NULL,
    file TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    digest TEXT NOT NULL,
    stages TEXT NOT NULL,
    who TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL
);
CREATE INDEX packages_by_name ON packages (name, id);
