-- name: insert_report
INSERT INTO machine_reports (project, machine, verdict, failing, lock_id, report, at_ms, who)
VALUES (:project, :machine, :verdict, :failing, :lock_id, :report, :at_ms, :who)

-- name: latest_report
-- The newest one of a project on a machine.
SELECT id, verdict, failing FROM machine_reports
WHERE project = :project AND machine = :machine
ORDER BY id DESC LIMIT 1

-- name: report
SELECT id, project, machine, verdict, report, at_ms, who FROM machine_reports WHERE id = :id

-- name: board
-- The newest of every project on every machine, what fails first; :words is a pattern of LIKE, or empty.
SELECT r.id, r.project, r.machine, r.verdict, r.lock_id, r.report, r.at_ms, r.who
FROM machine_reports r
JOIN (SELECT MAX(id) AS id FROM machine_reports GROUP BY project, machine) newest ON newest.id = r.id
WHERE :words = '' OR LOWER(r.project) LIKE :words ESCAPE '!' OR LOWER(r.machine) LIKE :words ESCAPE '!'
ORDER BY CASE r.verdict WHEN 'fail' THEN 0 WHEN 'warn' THEN 1 ELSE 2 END, r.at_ms DESC, r.id DESC
LIMIT :limit

-- name: pairs
-- How many there are on the board, by verdict.
SELECT r.verdict, COUNT(*) AS number
FROM machine_reports r
JOIN (SELECT MAX(id) AS id FROM machine_reports GROUP BY project, machine) newest ON newest.id = r.id
GROUP BY r.verdict

-- name: history
-- Of one project on one machine, newest first.
SELECT id, verdict, at_ms FROM machine_reports
WHERE project = :project AND machine = :machine
ORDER BY id DESC LIMIT :limit

-- name: newest_locks
-- The lock that was seen last of each project.
SELECT r.project, r.lock_id
FROM machine_reports r
JOIN (
    SELECT MAX(id) AS id FROM machine_reports WHERE lock_id <> '' GROUP BY project
) newest ON newest.id = r.id

-- name: count_machines
SELECT COUNT(DISTINCT machine) FROM machine_reports

-- name: of_project
-- The newest of one project on every machine.
SELECT r.id, r.project, r.machine, r.verdict, r.report, r.at_ms, r.who
FROM machine_reports r
JOIN (
    SELECT MAX(id) AS id FROM machine_reports WHERE project = :project GROUP BY machine
) newest ON newest.id = r.id
ORDER BY r.machine
