CREATE TABLE advisories (
    id TEXT PRIMARY KEY,
    package TEXT NOT NULL,
    text TEXT NOT NULL,
    published_ms BIGINT NOT NULL,
    who TEXT NOT NULL
);
CREATE TABLE advisory_projects (
    project TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE TABLE advisory_packages (
    project TEXT NOT NULL,
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (package, project, path)
);
CREATE INDEX advisory_packages_by_project ON advisory_packages (project);
CREATE TABLE advisory_symbols (
    project TEXT NOT NULL,
    symbol TEXT NOT NULL,
    path TEXT NOT NULL,
    line BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (symbol, project)
);
CREATE INDEX advisory_symbols_by_project ON advisory_symbols (project);
CREATE TABLE advisory_cases (
    advisory TEXT NOT NULL,
    project TEXT NOT NULL,
    state TEXT NOT NULL,
    effect TEXT NOT NULL,
    decided TEXT NOT NULL,
    uses BIGINT NOT NULL,
    places TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    cleared_ms BIGINT NOT NULL,
    PRIMARY KEY (advisory, project)
);
CREATE TABLE advisory_told (
    project TEXT NOT NULL,
    advisory TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (project, advisory)
);
CREATE INDEX advisory_cases_by_project ON advisory_cases (project);
