-- sort_name is the name folded to plain lower case: it orders the list, and no two companies of an organisation share it.
-- words holds the folded words that a search may begin with. The server writes both: lower() and accents differ between
-- databases, and an operator that is not leakproof would not use an index under the policies.
create table app.company (
  organisation_id uuid not null,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  sort_name text collate "C" not null check (char_length(sort_name) between 1 and 200),
  website text not null default '' check (char_length(website) <= 300),
  note text not null default '' check (char_length(note) <= 10000),
  words text collate "C" not null,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by uuid not null default holdfast.person(),
  primary key (organisation_id, id),
  unique (organisation_id, sort_name)
);
select holdfast.protect('app.company', $$
  id          none
  name        none
  sort_name   none
  website     none
  note        personal  company  row
  words       none
  version     none
  updated_at  none
  updated_by  personal  membership  row
$$);

-- One row for each word of a company: what a search by prefix looks up.
create table app.company_term (
  organisation_id uuid not null,
  term text collate "C" not null check (term <> ''),
  company_id uuid not null,
  primary key (organisation_id, term, company_id)
);
select holdfast.protect('app.company_term', $$
  term        none
  company_id  none
$$);
select holdfast.record_elsewhere('app.company_term', 'app.company');

create function app.keep_company_terms() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into app.company_term (organisation_id, company_id, term)
      select organisation_id, id, term from new_rows, string_to_table(words, ' ') term;
  elsif tg_op = 'UPDATE' then
    delete from app.company_term t using (
        select organisation_id, id, term from old_rows, string_to_table(words, ' ') term
        except select organisation_id, id, term from new_rows, string_to_table(words, ' ') term
    ) gone
     where t.organisation_id = gone.organisation_id and t.term = gone.term and t.company_id = gone.id;
    insert into app.company_term (organisation_id, company_id, term)
      select organisation_id, id, term from new_rows, string_to_table(words, ' ') term
      except select organisation_id, id, term from old_rows, string_to_table(words, ' ') term;
  else
    delete from app.company_term t using (
        select organisation_id, id, term from old_rows, string_to_table(words, ' ') term
    ) gone
     where t.organisation_id = gone.organisation_id and t.term = gone.term and t.company_id = gone.id;
  end if;
  return null;
end $$;
create trigger company_terms_insert after insert on app.company
  referencing new table as new_rows for each statement execute function app.keep_company_terms();
create trigger company_terms_update after update on app.company
  referencing old table as old_rows new table as new_rows for each statement execute function app.keep_company_terms();
create trigger company_terms_delete after delete on app.company
  referencing old table as old_rows for each statement execute function app.keep_company_terms();
