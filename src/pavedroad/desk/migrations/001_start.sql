CREATE TABLE desk_rota_events (
    id INTEGER PRIMARY KEY,
    rota TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    who TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX desk_rota_events_by_rota ON desk_rota_events (rota, id);
