create table app.contact (
  organisation_id uuid not null,
  id uuid not null,
  company_id uuid,
  name text not null check (char_length(name) between 1 and 200),
  sort_name text collate "C" not null check (char_length(sort_name) between 1 and 200),
  email text not null default '' check (char_length(email) <= 254),
  -- The address folded, for finding duplicates. Not unique: two people may share an address.
  email_key text collate "C" not null default '' check (char_length(email_key) <= 254),
  phone text not null default '' check (char_length(phone) <= 50),
  job_title text not null default '' check (char_length(job_title) <= 200),
  note text not null default '' check (char_length(note) <= 10000),
  words text collate "C" not null,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by uuid not null default holdfast.person(),
  primary key (organisation_id, id),
  foreign key (organisation_id, company_id) references app.company (organisation_id, id) on delete set null (company_id)
);
create index contact_by_name on app.contact (organisation_id, sort_name, id);
create index contact_by_email on app.contact (organisation_id, email_key);
create index contact_by_company on app.contact (organisation_id, company_id);
select holdfast.protect('app.contact', $$
  id          none
  company_id  none
  name        personal  contact  row
  sort_name   personal  contact  row
  email       personal  contact  row
  email_key   personal  contact  row
  phone       personal  contact  row
  job_title   personal  contact  row
  note        personal  contact  row
  words       personal  contact  row
  version     none
  updated_at  none
  updated_by  personal  membership  row
$$);

-- One row for each word of a contact's name and address: what a search by prefix looks up.
create table app.contact_term (
  organisation_id uuid not null,
  term text collate "C" not null check (term <> ''),
  contact_id uuid not null,
  primary key (organisation_id, term, contact_id)
);
select holdfast.protect('app.contact_term', $$
  term        personal  contact  row
  contact_id  none
$$);
select holdfast.record_elsewhere('app.contact_term', 'app.contact');

create function app.keep_contact_terms() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into app.contact_term (organisation_id, contact_id, term)
      select organisation_id, id, term from new_rows, string_to_table(words, ' ') term;
  elsif tg_op = 'UPDATE' then
    delete from app.contact_term t using (
        select organisation_id, id, term from old_rows, string_to_table(words, ' ') term
        except select organisation_id, id, term from new_rows, string_to_table(words, ' ') term
    ) gone
     where t.organisation_id = gone.organisation_id and t.term = gone.term and t.contact_id = gone.id;
    insert into app.contact_term (organisation_id, contact_id, term)
      select organisation_id, id, term from new_rows, string_to_table(words, ' ') term
      except select organisation_id, id, term from old_rows, string_to_table(words, ' ') term;
  else
    delete from app.contact_term t using (
        select organisation_id, id, term from old_rows, string_to_table(words, ' ') term
    ) gone
     where t.organisation_id = gone.organisation_id and t.term = gone.term and t.contact_id = gone.id;
  end if;
  return null;
end $$;
create trigger contact_terms_insert after insert on app.contact
  referencing new table as new_rows for each statement execute function app.keep_contact_terms();
create trigger contact_terms_update after update on app.contact
  referencing old table as old_rows new table as new_rows for each statement execute function app.keep_contact_terms();
create trigger contact_terms_delete after delete on app.contact
  referencing old table as old_rows for each statement execute function app.keep_contact_terms();
