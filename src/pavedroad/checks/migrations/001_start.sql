CREATE TABLE check_reports (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    profile TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    tree_digest TEXT NOT NULL,
    errors BIGINT NOT NULL,
    warnings BIGINT NOT NULL,
    notes BIGINT NOT NULL,
    waived BIGINT NOT NULL,
    report TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    who TEXT NOT NULL
);
CREATE INDEX check_reports_by_project ON check_reports (project, id);
