-- The one table of the benchmark. The contestants without Holdfast have the same columns and the same key.
create table app.item (
  organisation_id uuid not null,
  id uuid not null,
  name text not null,
  note text not null,
  quantity integer not null,
  created_at timestamptz not null,
  primary key (organisation_id, id)
);
select holdfast.protect('app.item', $$
  id          none
  name        none
  note        none
  quantity    none
  created_at  none
$$);
