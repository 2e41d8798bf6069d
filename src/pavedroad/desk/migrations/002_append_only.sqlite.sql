-- Who was on call is never rewritten, whoever asks.
CREATE TRIGGER desk_rota_events_are_not_changed BEFORE UPDATE ON desk_rota_events
BEGIN
    SELECT RAISE(ABORT, 'a rota is append-only');
END;
CREATE TRIGGER desk_rota_events_are_not_removed BEFORE DELETE ON desk_rota_events
BEGIN
    SELECT RAISE(ABORT, 'a rota is append-only');
END;
