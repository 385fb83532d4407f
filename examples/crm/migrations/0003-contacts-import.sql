-- A file of contacts on its way in. It is done when no row is left to try; what could not be used stays, with the reason.
create table app.import (
  organisation_id uuid not null,
  id uuid not null,
  file_name text not null check (char_length(file_name) <= 200),
  columns text[] not null,
  row_count integer not null,
  state text not null default 'uploaded' check (state in ('uploaded', 'mapped', 'running', 'done')),
  mapping text[] not null,
  duplicates text not null default 'skip' check (duplicates in ('skip', 'update', 'create')),
  -- The last line that has been tried.
  last_line integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  skipped integer not null default 0,
  failed integer not null default 0,
  uploaded_at timestamptz not null default now(),
  progressed_at timestamptz not null default now(),
  uploaded_by uuid not null default holdfast.person(),
  primary key (organisation_id, id)
);
create index import_by_age on app.import (organisation_id, uploaded_at);
select holdfast.protect('app.import', $$
  id           none
  file_name    personal  contact  import
  columns      none
  row_count    none
  state        none
  mapping      none
  duplicates   none
  last_line    none
  created      none
  updated      none
  skipped      none
  failed       none
  uploaded_at  none
  progressed_at  none
  uploaded_by  personal  membership  import
$$);

-- A row of the file. One that was used is deleted in the transaction that made the contact: nothing is lost or done twice.
create table app.import_row (
  organisation_id uuid not null,
  import_id uuid not null,
  line integer not null,
  cells jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'skipped', 'failed')),
  reason text not null default '',
  primary key (organisation_id, import_id, line),
  foreign key (organisation_id, import_id) references app.import (organisation_id, id) on delete cascade
);
select holdfast.protect('app.import_row', $$
  import_id  none
  line       none
  cells      personal  contact  import
  state      none
  reason     personal  contact  import
$$);
select holdfast.record_elsewhere('app.import_row', 'app.import');
