-- Another store that things were taken from or sent to, as the record knows it by its address.
CREATE TABLE transfers (
    id INTEGER PRIMARY KEY,
    direction TEXT NOT NULL, -- import or export
    address TEXT NOT NULL, -- without password
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    UNIQUE (direction, address)
);

-- What was transferred, written with the thing itself: a transfer that was stopped goes on where this ends.
CREATE TABLE transferred (
    transfer_id BIGINT NOT NULL REFERENCES transfers (id),
    kind TEXT NOT NULL, -- experiment, run, logged-model, model, version, alias
    source TEXT NOT NULL, -- its id where it comes from
    target TEXT NOT NULL, -- its id where it went
    digest TEXT NOT NULL, -- of all that was seen of it: equal means nothing to do
    points BIGINT NOT NULL DEFAULT 0, -- of a run
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (transfer_id, kind, source)
);
