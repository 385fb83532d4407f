create table app.deck (
  organisation_id uuid not null,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 120),
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  primary key (organisation_id, id)
);

select holdfast.protect('app.deck', $$
  id            none
  name          personal  study-content  row
  version       none
  updated_at    none
$$);
