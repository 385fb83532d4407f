-- Mail leaves by way of the database: it is queued in the transaction that causes it, and sent after that has committed.
-- Mail to canaries is never sent; the prover reads it here.

create table holdfast.outbox (
  id bigint generated always as identity primary key,
  to_address text not null,
  subject text not null check (subject !~ '[\r\n]'),
  body text not null,
  created_at timestamptz not null default clock_timestamp(),
  run_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  sent_at timestamptz,
  failed_at timestamptz,
  last_error text,
  check (to_address !~ '[\r\n\s]')
);
create index outbox_waiting on holdfast.outbox (run_at) where sent_at is null and failed_at is null;
create index outbox_by_address on holdfast.outbox (to_address, id);
select holdfast.classify('holdfast.outbox', 'account', $$
  id          none
  to_address  personal  mail  30-days
  subject     personal  mail  30-days
  body        secret    mail  until-sent
  created_at  none
  run_at      none
  attempts    none
  sent_at     none
  failed_at   none
  last_error  none
$$);

/* For the keeper's own verbs. */
create function holdfast.queue_mail(to_address text, subject text, body text) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
  insert into holdfast.outbox (to_address, subject, body, sent_at)
    values (to_address, subject, body, case when to_address like '%@canary.invalid' then clock_timestamp() end);
end;

/* Mails that are due. They are due again after two minutes unless mail_sent or mail_failed says otherwise. */
create function holdfast.take_mail(most integer) returns table (id bigint, to_address text, subject text, body text)
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.outbox o set run_at = clock_timestamp() + interval '2 minutes', attempts = o.attempts + 1
   where o.id in (select q.id from holdfast.outbox q where q.sent_at is null and q.failed_at is null and q.run_at <= clock_timestamp()
                   order by q.run_at for update skip locked limit most)
  returning o.id, o.to_address, o.subject, o.body;
end;
create function holdfast.mail_sent(mail bigint) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  -- The text may hold a token: once it has left it is not kept.
  update holdfast.outbox o set sent_at = clock_timestamp(), body = '', last_error = null where o.id = mail and o.sent_at is null;
end;
create function holdfast.mail_failed(mail bigint, reason text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
  update holdfast.outbox o set last_error = left(reason, 500), run_at = clock_timestamp() + make_interval(secs => least(3600, 5 * 2 ^ o.attempts)),
      failed_at = case when o.attempts >= 12 then clock_timestamp() end
   where o.id = mail and o.sent_at is null;
end;
create function holdfast.sweep_mail() returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone integer;
begin
  delete from holdfast.outbox o where o.sent_at < clock_timestamp() - interval '30 days' or o.failed_at < clock_timestamp() - interval '30 days'
    or (o.to_address like '%@canary.invalid' and o.created_at < clock_timestamp() - interval '1 day');
  get diagnostics gone = row_count;
  return gone;
end $$;
grant execute on function holdfast.take_mail(integer), holdfast.mail_sent(bigint), holdfast.mail_failed(bigint, text), holdfast.sweep_mail() to holdfast_worker;

/* Mail to a canary, newest first; of anybody else: nothing. */
create function holdfast.canary_mail(address text) returns table (subject text, body text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select o.subject, o.body from holdfast.outbox o
   where o.to_address = address and o.to_address like '%@canary.invalid' order by o.id desc limit 20;
end;
grant execute on function holdfast.canary_mail(text) to holdfast_prover;
