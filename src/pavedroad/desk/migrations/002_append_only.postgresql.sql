-- Who was on call is never rewritten, whoever asks. (A statement ends at the end of a line.)
CREATE FUNCTION refuse_rota_change() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'a rota is append-only' USING ERRCODE = 'integrity_constraint_violation'; END$$;
CREATE TRIGGER desk_rota_events_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON desk_rota_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rota_change();
