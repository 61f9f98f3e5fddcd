-- What runs report while they work, and which schedulers are about.

create table metrics (
    run_id uuid not null references runs on delete cascade,
    job_id uuid not null references jobs on delete cascade,
    step bigint not null check (step >= 0),
    at timestamptz not null,
    measured jsonb not null,
    primary key (run_id, step)
);

create index metrics_of_job on metrics (job_id, step);

-- A checkpoint counts for its job only if it is here: the insert is guarded by the lease.
create table checkpoints (
    job_id uuid not null references jobs on delete cascade,
    epoch bigint not null,
    step bigint not null check (step >= 0),
    run_id uuid not null references runs on delete cascade,
    object_key text not null,
    sha256 text not null,
    size_bytes bigint not null,
    saved_at timestamptz not null,
    primary key (job_id, epoch, step)
);

create table schedulers (
    scheduler_id text primary key,
    slots integer not null check (slots >= 1),
    started_at timestamptz not null,
    seen_at timestamptz not null
);
