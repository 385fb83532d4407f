create table app.card (
  organisation_id uuid not null,
  id uuid not null,
  deck_id uuid not null,
  front text not null check (char_length(front) between 1 and 2000),
  back text not null check (char_length(back) between 1 and 2000),
  -- What SM-2 knows of this card: see schedule.ts.
  repetitions integer not null default 0 check (repetitions >= 0),
  ease_percent integer not null default 250 check (ease_percent >= 130),
  interval_days integer not null default 0 check (interval_days between 0 and 3650),
  due_at timestamptz not null default now(),
  -- Counts every change, reviews too: a review of a stale version is refused, so none counts twice.
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  primary key (organisation_id, id),
  foreign key (organisation_id, deck_id) references app.deck (organisation_id, id) on delete cascade
);
create index card_by_deck on app.card (organisation_id, deck_id, id);
create index card_by_due on app.card (organisation_id, due_at, id);
create index card_by_deck_due on app.card (organisation_id, deck_id, due_at, id);

select holdfast.protect('app.card', $$
  id             none
  deck_id        none
  front          personal  study-content   row
  back           personal  study-content   row
  repetitions    personal  study-progress  row
  ease_percent   personal  study-progress  row
  interval_days  personal  study-progress  row
  due_at         personal  study-progress  row
  version        none
  updated_at     none
$$);
