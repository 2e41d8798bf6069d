CREATE TABLE machine_reports (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    machine TEXT NOT NULL,
    verdict TEXT NOT NULL,
    failing TEXT NOT NULL,
    lock_id TEXT NOT NULL,
    report TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    who TEXT NOT NULL
);
CREATE INDEX machine_reports_by_pair ON machine_reports (project, machine, id);
