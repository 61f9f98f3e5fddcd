-- Jobs, the runs that try to do them, and the events that tell their story.

create table jobs (
    job_id uuid primary key,
    sequence bigint generated always as identity unique,
    name text not null,
    spec jsonb not null,
    idempotency_key text unique,
    body_sha256 bytea not null check (length(body_sha256) = 32),
    state text not null
        check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    attempts integer not null default 0 check (attempts >= 0),
    max_attempts integer not null check (max_attempts >= 1),
    -- The fencing token: grows by one with every claim, never repeats within a job.
    epoch bigint not null default 0 check (epoch >= 0),
    -- When the job joined the queue, moved back a minute for each point of priority. Claiming
    -- in this order means that a low priority waits longer, but never for ever.
    queue_rank timestamptz not null,
    not_before timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz,
    check (attempts <= max_attempts),
    check ((finished_at is not null) = (state in ('SUCCEEDED', 'FAILED', 'CANCELLED')))
);

create index jobs_queue on jobs (queue_rank, sequence) where state = 'QUEUED';

create table runs (
    run_id uuid primary key,
    job_id uuid not null references jobs on delete cascade,
    epoch bigint not null,
    attempt integer not null check (attempt >= 1),
    state text not null
        check (state in ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST', 'RELEASED')),
    scheduler_id text not null,
    lease_until timestamptz not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    host text,
    pid integer,
    exit_code integer,
    reason text,
    result jsonb,
    unique (job_id, epoch),
    check ((finished_at is null) = (state = 'RUNNING'))
);

-- The database itself refuses a second run of a job at the same time.
create unique index runs_one_at_a_time on runs (job_id) where state = 'RUNNING';
create index runs_leases on runs (lease_until) where state = 'RUNNING';

create table events (
    event_id bigint generated always as identity primary key,
    job_id uuid not null references jobs on delete cascade,
    run_id uuid references runs on delete cascade,
    at timestamptz not null,
    type text not null,
    payload jsonb not null
);

create index events_of_job on events (job_id, event_id);
