-- name: keep_advisory
INSERT INTO advisories (id, package, text, published_ms, who)
VALUES (:id, :package, :text, :at_ms, :who)
ON CONFLICT (id) DO UPDATE SET package = excluded.package, text = excluded.text, who = excluded.who

-- name: advisories
SELECT id, text, published_ms, who FROM advisories ORDER BY id

-- name: keep_project
INSERT INTO advisory_projects (project, owner, commit_id, at_ms)
VALUES (:project, :owner, :commit_id, :at_ms)
ON CONFLICT (project) DO UPDATE SET
    owner = excluded.owner, commit_id = excluded.commit_id, at_ms = excluded.at_ms

-- name: forget_packages
DELETE FROM advisory_packages WHERE project = :project

-- name: forget_symbols
DELETE FROM advisory_symbols WHERE project = :project

-- name: insert_package
INSERT INTO advisory_packages (project, package, version, decided_by, path)
VALUES (:project, :package, :version, :decided_by, :path)

-- name: insert_symbol
INSERT INTO advisory_symbols (project, symbol, path, line, number)
VALUES (:project, :symbol, :path, :line, :number)

-- name: count_projects
SELECT COUNT(*) FROM advisory_projects

-- name: holders
-- Who has a package, and in which version.
SELECT held.project, held.version, held.decided_by, held.path, known.owner
FROM advisory_packages AS held JOIN advisory_projects AS known ON known.project = held.project
WHERE held.package = :package
ORDER BY held.project, held.path

-- name: companions
SELECT held.project, held.version FROM advisory_packages AS held
WHERE held.package = :package AND held.decided_by = 'lock'

-- name: users
-- Who uses a name, with the first place.
SELECT project, path, line FROM advisory_symbols WHERE symbol = :symbol

-- name: everybody
SELECT project, owner FROM advisory_projects ORDER BY project

-- name: keep_case
INSERT INTO advisory_cases
    (advisory, project, state, effect, decided, uses, places, since_ms, cleared_ms)
VALUES (:advisory, :project, :state, :effect, :decided, :uses, :places, :since_ms, :cleared_ms)
ON CONFLICT (advisory, project) DO UPDATE SET
    state = excluded.state, effect = excluded.effect, decided = excluded.decided, uses = excluded.uses,
    places = excluded.places, since_ms = excluded.since_ms, cleared_ms = excluded.cleared_ms

-- name: cases_of_project
SELECT advisory, state, since_ms, cleared_ms FROM advisory_cases WHERE project = :project

-- name: cases_of_advisory
SELECT found.project, found.state, found.effect, found.decided, found.uses, found.places, found.since_ms,
    found.cleared_ms, COALESCE(known.owner, '') AS owner
FROM advisory_cases AS found LEFT JOIN advisory_projects AS known ON known.project = found.project
WHERE found.advisory = :advisory
ORDER BY found.project

-- name: counts
-- For each advisory how many projects are in each state, and since when the first of them.
SELECT advisory, state, COUNT(*) AS number, MIN(since_ms) AS since_ms, MAX(cleared_ms) AS cleared_ms
FROM advisory_cases GROUP BY advisory, state

-- name: project_known
SELECT commit_id, at_ms FROM advisory_projects WHERE project = :project

-- name: exposed_of_project
SELECT advisory, effect, decided FROM advisory_cases
WHERE project = :project AND state = 'uses-exposed'
ORDER BY advisory

-- name: project_seen
SELECT at_ms FROM advisory_projects WHERE project = :project

-- name: untold
-- What a project is exposed to and no run has said yet.
SELECT found.advisory, found.effect, found.places FROM advisory_cases AS found
WHERE found.project = :project AND found.state = 'uses-exposed'
  AND NOT EXISTS (
    SELECT 1 FROM advisory_told AS told
    WHERE told.project = found.project AND told.advisory = found.advisory
  )
ORDER BY found.advisory

-- name: keep_told
INSERT INTO advisory_told (project, advisory, at_ms) VALUES (:project, :advisory, :at_ms)
ON CONFLICT (project, advisory) DO NOTHING
