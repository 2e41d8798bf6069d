-- The journal is append-only, whoever asks.
CREATE TRIGGER facts_are_not_changed BEFORE UPDATE ON facts
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER facts_are_not_removed BEFORE DELETE ON facts
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
