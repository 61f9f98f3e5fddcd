-- What smartsearch keeps. All names live in the schema of the search path.

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

CREATE TABLE documents (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id        text NOT NULL,
    request_id       text NOT NULL,
    title            text NOT NULL DEFAULT '',
    text             text NOT NULL,
    content_sha256   text NOT NULL,
    status           text NOT NULL DEFAULT 'PENDING'
                     CHECK (status IN ('PENDING', 'PROCESSING', 'READY', 'FAILED')),
    -- The version whose chunks a reader sees. Versions are lease epochs.
    ready_version    bigint,
    lease_owner      text,
    lease_epoch      bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    attempts         integer NOT NULL DEFAULT 0,
    refusals         integer NOT NULL DEFAULT 0,
    next_retry_at    timestamptz,
    last_error       text,
    announced_at     timestamptz NOT NULL DEFAULT now(),
    announcements    integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, request_id),
    UNIQUE (tenant_id, id),
    CHECK ((status = 'READY') = (ready_version IS NOT NULL)),
    CHECK ((status = 'PROCESSING') = (lease_owner IS NOT NULL)),
    CHECK ((status = 'PROCESSING') = (lease_expires_at IS NOT NULL))
);

CREATE INDEX documents_by_tenant ON documents (tenant_id, created_at DESC);
CREATE INDEX documents_expiring ON documents (lease_expires_at) WHERE status = 'PROCESSING';
CREATE INDEX documents_waiting ON documents (announced_at) WHERE status = 'PENDING';

-- Every change of status or lease, for the picture of states over time and for audits.
CREATE TABLE document_states (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    status      text NOT NULL,
    lease_epoch bigint NOT NULL,
    lease_owner text,
    reason      text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX document_states_by_document ON document_states (document_id, seq);

CREATE FUNCTION record_document_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Qualified by the trigger's own schema: it may fire under any search path.
    EXECUTE format(
        'INSERT INTO %I.document_states (document_id, status, lease_epoch, lease_owner, reason)'
        ' VALUES ($1, $2, $3, $4, $5)', TG_TABLE_SCHEMA
    ) USING NEW.id, NEW.status, NEW.lease_epoch, NEW.lease_owner, NEW.last_error;
    RETURN NULL;
END
$$;

CREATE TRIGGER document_created AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION record_document_state();
CREATE TRIGGER document_changed AFTER UPDATE ON documents
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION record_document_state();

-- The one model all vectors of this schema come from. Distances between two models' vectors
-- mean nothing, so there can be only one row.
CREATE TABLE embedding_space (
    single     boolean PRIMARY KEY DEFAULT true CHECK (single),
    model      text NOT NULL UNIQUE,
    dimensions integer NOT NULL CHECK (dimensions > 0)
);

CREATE TABLE chunks (
    tenant_id   text NOT NULL,
    document_id uuid NOT NULL,
    version     bigint NOT NULL,
    chunk_no    integer NOT NULL CHECK (chunk_no >= 0),
    text        text NOT NULL,
    embedding   public.vector NOT NULL,
    model       text NOT NULL REFERENCES embedding_space (model),
    PRIMARY KEY (document_id, version, chunk_no),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   uuid NOT NULL DEFAULT gen_random_uuid(),
    kind       text NOT NULL CHECK (kind IN ('document', 'dead_letter')),
    key        text NOT NULL,
    payload    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz
);

CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;

CREATE TABLE dead_letters (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id   text NOT NULL,
    document_id uuid NOT NULL,
    lease_epoch bigint NOT NULL,
    reason      text NOT NULL,
    attempts    integer NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    -- One record for each time a document was given up, whoever gave it up.
    UNIQUE (document_id, lease_epoch),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id) ON DELETE CASCADE
);
