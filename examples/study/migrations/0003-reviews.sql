create table app.review (
  organisation_id uuid not null,
  id uuid not null,
  card_id uuid not null,
  -- The version of the card that was answered: one review for each, whatever is sent twice.
  card_version integer not null,
  -- The front as it was asked: cards are edited, and an answer belongs to its question.
  asked text not null check (char_length(asked) between 1 and 2000),
  grade text not null check (grade in ('again', 'hard', 'good', 'easy')),
  interval_days integer not null,
  reviewed_at timestamptz not null default now(),
  primary key (organisation_id, id),
  unique (organisation_id, card_id, card_version),
  foreign key (organisation_id, card_id) references app.card (organisation_id, id) on delete cascade
);
create index review_by_time on app.review (organisation_id, reviewed_at);

select holdfast.protect('app.review', $$
  id             none
  card_id        none
  card_version   none
  asked          personal  study-content   row
  grade          personal  study-progress  row
  interval_days  personal  study-progress  row
  reviewed_at    personal  study-progress  row
$$);
