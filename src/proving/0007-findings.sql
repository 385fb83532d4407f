-- The ledger of findings: the prover appends, the auditor reads, nobody changes or deletes.

create table holdfast.finding (
  id bigint generated always as identity primary key,
  claim text not null check (claim ~ '^[a-z0-9-]+/[a-z0-9-]+$'),
  status text not null check (status in ('holds', 'broken', 'inconclusive', 'not-applicable')),
  saw text not null check (length(saw) <= 4000),
  examined integer not null check (examined >= 0),
  place text not null check (place in ('live', 'restored-copy', 'ci')),
  against text not null check (against in ('real', 'stand-in')),
  checked_at timestamptz not null,
  expires_at timestamptz not null,
  milliseconds integer not null,
  commit text not null,
  recorded_at timestamptz not null default clock_timestamp(),
  -- Nothing examined, nothing shown.
  check (status <> 'holds' or examined > 0),
  check (checked_at <= clock_timestamp() + interval '1 minute')
);
create index finding_by_claim on holdfast.finding (claim, checked_at desc, id desc);
select holdfast.classify('holdfast.finding', 'platform', $$
  id            none
  claim         none
  status        none
  saw           none
  examined      none
  place         none
  against       none
  checked_at    none
  expires_at    none
  milliseconds  none
  commit        none
  recorded_at   none
$$);
grant select on holdfast.finding to holdfast_auditor, holdfast_prover;

create function holdfast.refuse_rewriting() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'findings are appended, never changed' using errcode = '42501';
end $$;
create trigger append_only before update or delete or truncate on holdfast.finding
  for each statement execute function holdfast.refuse_rewriting();

create function holdfast.record_finding(claim text, status text, saw text, examined integer, place text, against text,
  checked_at timestamptz, expires_at timestamptz, milliseconds integer, commit text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.finding (claim, status, saw, examined, place, against, checked_at, expires_at, milliseconds, commit)
    values (claim, status, left(saw, 4000), examined, place, against, checked_at, expires_at, milliseconds, commit);
end;
grant execute on function holdfast.record_finding(text, text, text, integer, text, text, timestamptz, timestamptz, integer, text) to holdfast_prover;

/* The findings of the last `days` days, but for those between two of the same claim, place, status and day that say the same:
   first and last of each run are kept, so that a red period keeps its beginning. */
create function holdfast.findings(days integer) returns table (claim text, status text, saw text, examined integer, place text,
  against text, checked_at timestamptz, expires_at timestamptz, milliseconds integer, commit text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select f.claim, f.status, f.saw, f.examined, f.place, f.against, f.checked_at, f.expires_at, f.milliseconds, f.commit from (
    select x.*, lag(x.kind) over one is distinct from x.kind or lead(x.kind) over one is distinct from x.kind as kept
      from (select y.*, (y.status, (y.checked_at at time zone 'UTC')::date, y.examined > 0) as kind from holdfast.finding y
             where y.checked_at > clock_timestamp() - make_interval(days => days)) x
    window one as (partition by x.claim, x.place, x.against order by x.checked_at, x.id)) f
   where f.kept order by f.claim, f.checked_at, f.id;
end;
grant execute on function holdfast.findings(integer) to holdfast_auditor, holdfast_prover;
