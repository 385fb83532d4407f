-- What the catalogues can show of the ways around tenant isolation: one row for each weakness, none when all is well. Asked
-- after every migration, at every start, and by the prover. Reads catalogues, table classes and the inventory only.
--
-- The bodies are text, not SQL-standard ones: a catalogue may lose a column in a later major version, and a restore of the
-- database must not fail for it.

-- ── What there is ────────────────────────────────────────────────────────────────────────────────────────────────────

create function holdfast.tenant_tables() returns table (relation oid, named text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.oid, t.table_name from holdfast.table_class t join pg_class c on c.relkind in ('r', 'p')
    join pg_namespace n on n.oid = c.relnamespace and n.nspname || '.' || c.relname = t.table_name
   where t.class = 'tenant'
$$;

/* Every right that is not the owner's own or a superuser's: over objects outside of the system's schemas and extensions,
   and over the system's own objects where a role of ours holds it. `grantee` is PUBLIC for everybody. */
create function holdfast.rights() returns table (kind text, schema text, object text, id oid, owner oid, grantee text, privilege text, grantable boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with everything as (
    select case c.relkind when 'S' then 'sequence' else 'table' end as kind, c.relnamespace as namespace,
           c.oid::regclass::text as object, c.oid as id, c.relowner as owner, 'pg_class'::regclass as catalogue,
           coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
      from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'column', c.relnamespace, c.oid::regclass || '.' || quote_ident(a.attname), c.oid, c.relowner, 'pg_class', a.attacl
      from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attacl is not null and not a.attisdropped
    union all
    select 'function', p.pronamespace, p.oid::regprocedure::text, p.oid, p.proowner, 'pg_proc', coalesce(p.proacl, acldefault('f', p.proowner))
      from pg_proc p where p.pronamespace <> 'pg_catalog'::regnamespace or p.proacl is not null
    union all
    select 'schema', n.oid, n.oid::regnamespace::text, n.oid, n.nspowner, 'pg_namespace', coalesce(n.nspacl, acldefault('n', n.nspowner))
      from pg_namespace n
    union all
    select 'database', null, '(this database)', d.oid, d.datdba, 'pg_database', coalesce(d.datacl, acldefault('d', d.datdba))
      from pg_database d where d.datname = current_database()
    union all
    select 'language', null, l.lanname, l.oid, l.lanowner, 'pg_language', coalesce(l.lanacl, acldefault('l', l.lanowner)) from pg_language l
    union all
    select 'parameter', null, a.parname, a.oid, 10, 'pg_parameter_acl', a.paracl from pg_parameter_acl a
    union all
    select 'foreign server', null, s.srvname, s.oid, s.srvowner, 'pg_foreign_server', coalesce(s.srvacl, acldefault('S', s.srvowner))
      from pg_foreign_server s
    union all
    select 'default', null, format('%s of %s%s', d.defaclobjtype, d.defaclrole::regrole, ' in ' || nullif(d.defaclnamespace, 0)::regnamespace),
           d.oid, d.defaclrole, 'pg_default_acl', d.defaclacl
      from pg_default_acl d
  )
  select e.kind, n.nspname::text, e.object, e.id, e.owner, coalesce(r.rolname::text, case x.grantee when 0 then 'PUBLIC' else x.grantee::text end),
         x.privilege_type, x.is_grantable
    from everything e
    left join pg_namespace n on n.oid = e.namespace
    cross join lateral aclexplode(e.acl) x
    left join pg_roles r on r.oid = x.grantee
   where x.grantee <> e.owner and not coalesce(r.rolsuper, false)
     and (r.rolname ~ '^holdfast_' or n.nspname is null or n.nspname !~ '^(pg_|information_schema$)')
     -- plpgsql is an extension's too, and must not be everybody's.
     and (e.kind = 'language' or not exists (select from pg_depend d where d.classid = e.catalogue and d.objid = e.id and d.deptype = 'e'))
$$;

/* What is compared with the manifest: rights over all but the product's own schema, attributes, memberships and settings of
   our roles, who owns what is not the keeper's, and what the foundation's functions consist of. */
create function holdfast.grants() returns table (grantee text, kind text, object text, privilege text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.grantee, r.kind, r.object, r.privilege || case when r.grantable then ' WITH GRANT OPTION' else '' end
    from holdfast.rights() r
   where r.schema is distinct from 'app' or r.kind = 'schema'
  union all
  select r.rolname, 'attribute', 'role', a.attribute
    from pg_roles r cross join lateral (values (r.rolcanlogin, 'LOGIN'), (r.rolinherit, 'INHERIT'), (r.rolsuper, 'SUPERUSER'),
         (r.rolbypassrls, 'BYPASSRLS'), (r.rolcreatedb, 'CREATEDB'), (r.rolcreaterole, 'CREATEROLE'), (r.rolreplication, 'REPLICATION')) a (has, attribute)
   where r.rolname ~ '^holdfast_' and a.has
  union all
  select pg_get_userbyid(m.member), 'membership', pg_get_userbyid(m.roleid), case when m.admin_option then 'ADMIN' else 'MEMBER' end
    from pg_auth_members m
   where pg_get_userbyid(m.member) ~ '^holdfast_' or pg_get_userbyid(m.roleid) ~ '^holdfast_'
  union all
  select s.setrole::regrole::text, 'setting', case s.setdatabase when 0 then 'everywhere' else 'this database' end, one
    from pg_db_role_setting s cross join unnest(s.setconfig) one
   where s.setrole <> 0 and pg_get_userbyid(s.setrole) ~ '^holdfast_'
     and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
  union all
  select pg_get_userbyid(c.relowner), 'owner', c.oid::regclass::text, 'OWNER' from pg_class c
   where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and pg_get_userbyid(c.relowner) <> 'holdfast_keeper'
  union all
  select pg_get_userbyid(p.proowner), 'owner', p.oid::regprocedure::text, 'OWNER' from pg_proc p
   where p.pronamespace = 'holdfast'::regnamespace and pg_get_userbyid(p.proowner) <> 'holdfast_keeper'
  union all
  select 'holdfast', 'body', p.oid::regprocedure::text,
         left(encode(sha256(convert_to(concat_ws(' ', l.lanname, p.provolatile, p.prosecdef, p.proleakproof, p.proconfig, p.prosrc, pg_get_function_sqlbody(p.oid)), 'UTF8')), 'hex'), 32)
    from pg_proc p join pg_language l on l.oid = p.prolang
   where p.pronamespace = 'holdfast'::regnamespace
$$;

-- ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

create function holdfast.weak_tables() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with tenant as (
    select t.relation::regclass as named, c.*, r.rolsuper, r.rolbypassrls, r.rolcanlogin, r.rolname
      from holdfast.tenant_tables() t join pg_class c on c.oid = t.relation join pg_roles r on r.oid = c.relowner
  ), own as (
    select c.*, c.oid::regclass as named, n.nspname, r.rolname, r.rolsuper or r.rolbypassrls or r.rolcanlogin as loose
      from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
     where n.nspname !~ '^(pg_|information_schema$)'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ), rights as materialized (
    select * from holdfast.rights() where kind in ('table', 'column')
  )
  select 'rls-off', named::text, format('alter table %s enable row level security;', named) from tenant where not relrowsecurity
  union all
  select 'rls-not-forced', named::text, format('alter table %s force row level security;', named) from tenant where not relforcerowsecurity
  union all
  select 'tenant-column', named::text, 'alter table … alter column organisation_id set not null; it must be a uuid' from tenant t
   where not exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'organisation_id'
                        and a.atttypid = 'uuid'::regtype and a.attnotnull and not a.attisdropped)
  union all
  -- Views as well: what they read, they read with their owner's rights.
  select 'owner-can-bypass', o.named::text, format('alter table %s owner to %I;', o.named, case o.nspname when 'holdfast' then 'holdfast_keeper' else 'holdfast_owner' end)
    from own o where o.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and o.loose
  union all
  select 'foreign-table', named::text, format('drop foreign table %s; -- a foreign table cannot be protected', named) from own where relkind = 'f'
  union all
  select 'materialised-view', named::text, format('drop materialized view %s; -- it holds rows of all tenants, without policies', named) from own where relkind = 'm'
  union all
  select 'rule', format('%s on %s', w.rulename, o.named), format('drop rule %I on %s;', w.rulename, o.named)
    from pg_rewrite w join own o on o.oid = w.ev_class where w.rulename <> '_RETURN'
  union all
  select 'child-not-tenant', i.inhrelid::regclass::text, 'set up the child of a tenant table like its parent: select holdfast.protect(…) and revoke all rights on it'
    from pg_inherits i join tenant t on t.oid = i.inhparent where not exists (select from tenant c where c.oid = i.inhrelid)
  union all
  select 'child-granted', i.inhrelid::regclass::text, format('revoke all on %s from %s;', i.inhrelid::regclass, string_agg(distinct case g.grantee when 'PUBLIC' then 'public' else quote_ident(g.grantee) end, ', '))
    from pg_inherits i join tenant t on t.oid = i.inhparent join rights g on g.id = i.inhrelid
   where g.grantee <> 'holdfast_counter' group by i.inhrelid
  union all
  -- What a table that is no tenant's says of organisations, every tenant could read.
  select 'class-mismatch', k.table_name, 'it names organisations, and the application reads it: make it a tenant table, or revoke the right'
    from holdfast.table_class k join own o on o.nspname || '.' || o.relname = k.table_name
    join pg_attribute a on a.attrelid = o.oid and a.attname = 'organisation_id' and not a.attisdropped
   where k.class <> 'tenant'
     and exists (select from rights g where g.id = o.oid
                   and g.grantee in ('PUBLIC', 'holdfast_app', 'holdfast_identity', 'holdfast_worker'))
  union all
  select 'global-counter', format('%s.%s', t.named, a.attname), 'a number that counts over all tenants shows how busy they are: use a uuid, or keep the column from the application'
    from tenant t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
   where (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval')
     and has_column_privilege('holdfast_app', t.oid, a.attnum, 'SELECT')
  union all
  select 'foreign-trigger', format('%s on %s', g.tgname, t.named), format('drop trigger %I on %s;', g.tgname, t.named)
    from pg_trigger g join tenant t on t.oid = g.tgrelid join pg_proc p on p.oid = g.tgfoid join pg_namespace n on n.oid = p.pronamespace
   where not g.tgisinternal and (n.nspname not in ('holdfast', 'app') or pg_get_userbyid(p.proowner) not in ('holdfast_keeper', 'holdfast_owner'))
  union all
  select 'trigger-disabled', format('%s on %s', g.tgname, t.named), format('alter table %s enable trigger %I;', t.named, g.tgname)
    from pg_trigger g join tenant t on t.oid = g.tgrelid where g.tgenabled <> 'O'
$$;

create function holdfast.weak_policies() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with wanted as (
    select t.relation, t.relation::regclass as named, w.policy, w.kind,
           $p$(organisation_id = ( SELECT (substr(current_setting('backtrace_functions'::text), 2, 32))::uuid AS substr))$p$ as here
      from holdfast.tenant_tables() t cross join (values ('tenant_allow', 'permissive'), ('tenant_floor', 'restrictive')) w (policy, kind)
  )
  select case when p.oid is null then 'policy-missing' else 'policy-changed' end, format('%s on %s', w.policy, w.named),
         format('drop policy if exists %1$s on %2$s; create policy %1$s on %2$s as %3$s for all to public using %4$s with check %4$s;', w.policy, w.named, w.kind, w.here)
    from wanted w left join pg_policy p on p.polrelid = w.relation and p.polname = w.policy
   where p.oid is null
      or p.polpermissive <> (w.kind = 'permissive') or p.polcmd <> '*' or p.polroles <> '{0}'
      or pg_get_expr(p.polqual, p.polrelid) is distinct from w.here or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from w.here
  union all
  -- A further restrictive policy only narrows.
  select 'policy-extra', format('%s on %s', p.polname, p.polrelid::regclass), format('drop policy %I on %s;', p.polname, p.polrelid::regclass)
    from pg_policy p join holdfast.tenant_tables() t on t.relation = p.polrelid
   where p.polpermissive and p.polname <> 'tenant_allow'
$$;

create function holdfast.weak_keys() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with tenant as (
    select t.relation, t.relation::regclass as named, a.attnum as here
      from holdfast.tenant_tables() t join pg_attribute a on a.attrelid = t.relation and a.attname = 'organisation_id' and not a.attisdropped
  ), rights as materialized (
    select * from holdfast.rights() where kind in ('table', 'column')
  )
  select 'index-not-led', i.indexrelid::regclass::text,
         coalesce((select format('alter table %s drop constraint %I;', t.named, k.conname) from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = t.relation),
                  format('drop index %s;', i.indexrelid::regclass)) || ' -- make it anew, led by organisation_id'
    from pg_index i join tenant t on t.relation = i.indrelid where i.indkey[0] <> t.here
  union all
  select 'index-on-expression', i.indexrelid::regclass::text, format('drop index %s; -- keep the normalised value in a column of its own', i.indexrelid::regclass)
    from pg_index i join tenant t on t.relation = i.indrelid where i.indexprs is not null
  union all
  select 'foreign-key', format('%s on %s', k.conname, t.named),
         format('alter table %s drop constraint %I; -- make it anew with organisation_id on both sides', t.named, k.conname)
    from pg_constraint k join tenant t on t.relation = k.conrelid
    join pg_attribute there on there.attrelid = k.confrelid and there.attname = 'organisation_id' and not there.attisdropped
   where k.contype = 'f' and k.conparentid = 0
     and (not exists (select from unnest(k.conkey, k.confkey) pair (a, b) where pair.a = t.here and pair.b = there.attnum)
       -- SET NULL and SET DEFAULT without a list of columns strike the organisation too.
       or (k.confdeltype in ('n', 'd') and (k.confdelsetcols is null or k.confdelsetcols @> array[t.here]))
       or k.confupdtype in ('n', 'd'))
  union all
  -- From outside, whoever may write there learns what exists here.
  select 'foreign-key-from-outside', format('%s on %s', k.conname, k.conrelid::regclass),
         format('alter table %s drop constraint %I; -- or make it a tenant table', k.conrelid::regclass, k.conname)
    from pg_constraint k join tenant t on t.relation = k.confrelid
   where k.contype = 'f' and not exists (select from tenant o where o.relation = k.conrelid)
     and exists (select from rights g where g.id = k.conrelid and g.privilege in ('INSERT', 'UPDATE'))
  union all
  select 'statistics-kept', format('%s.%s', t.named, a.attname), format('alter table %s alter column %I set statistics 0;', t.named, a.attname)
    from pg_attribute a join tenant t on t.relation = a.attrelid
   where a.attnum > 0 and not a.attisdropped and coalesce(a.attstattarget, -1) <> 0
  union all
  select 'statistics-rows', c.oid::regclass::text, format('delete from pg_catalog.pg_statistic where starelid = %L::regclass;', c.oid::regclass)
    from pg_class c
   where exists (select from pg_statistic s where s.starelid = c.oid)
     and (c.oid in (select relation from tenant) or c.oid in (select i.indexrelid from pg_index i join tenant t on t.relation = i.indrelid))
  union all
  select 'statistics-extended', format('%s.%I', s.stxnamespace::regnamespace, s.stxname), format('drop statistics %s.%I;', s.stxnamespace::regnamespace, s.stxname)
    from pg_statistic_ext s join tenant t on t.relation = s.stxrelid
$$;

-- ── Views and functions ──────────────────────────────────────────────────────────────────────────────────────────────

create function holdfast.weak_code() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive views as (
    select c.oid, c.oid::regclass as named, r.rolsuper or r.rolbypassrls as bypasses,
           exists (select from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker' and o.option_value in ('true', 'on', 'yes', '1')) as invoker
      from pg_class c join pg_roles r on r.oid = c.relowner join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'v' and n.nspname !~ '^(pg_|information_schema$)'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ), reads as (
    select v.oid, d.refobjid from views v join pg_rewrite w on w.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
  ), reach as (
    select oid, refobjid from reads
    union
    select r.oid, n.refobjid from reach r join reads n on n.oid = r.refobjid
  ), functions as (
    select p.*, p.oid::regprocedure::text as named, n.nspname, r.rolname, r.rolsuper or r.rolbypassrls or r.rolcanlogin as loose
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
     where n.nspname !~ '^(pg_|information_schema$)'
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  ), rights as materialized (
    select * from holdfast.rights() where kind = 'function'
  )
  select 'view-as-owner', v.named::text, format('alter view %s set (security_invoker = true);', v.named)
    from views v
   where not v.invoker and (v.bypasses or exists (select from reach r join holdfast.tenant_tables() t on t.relation = r.refobjid where r.oid = v.oid))
  union all
  -- Three of our own count or end, and give back numbers: the two stated holes.
  select 'definer-owner', f.named, format('alter function %s owner to %s;', f.named, case f.nspname when 'holdfast' then 'holdfast_keeper' else 'holdfast_owner' end)
    from functions f
   where f.prosecdef and f.loose
     and (f.named, f.rolname) not in (('holdfast.count_rows(regclass)', 'holdfast_counter'), ('holdfast.count_rows_of(regclass,uuid)', 'holdfast_counter'))
  union all
  select 'definer-search-path', f.named, format('alter function %s set search_path = pg_catalog, pg_temp;', f.named)
    from functions f
   where f.prosecdef and not coalesce(f.proconfig, '{}') && array['search_path=pg_catalog, pg_temp', 'search_path=pg_catalog,pg_temp']
  union all
  -- Whoever calls it chooses what runs, or what is set, with its owner's rights.
  select 'definer-dynamic', f.named, format('revoke execute on function %s from public, %s; -- or write it without EXECUTE and set_config', f.named, string_agg(distinct quote_ident(g.grantee), ', ') filter (where g.grantee <> 'PUBLIC'))
    from functions f join rights g on g.id = f.oid
   where f.prosecdef and f.prosrc ~* '\m(execute|set_config)\M'
     and f.named not in ('holdfast.enter(bytea,uuid,bigint)', 'holdfast.enter_lease(bytea,uuid,bigint)', 'holdfast.count_rows(regclass)',
                         'holdfast.count_rows_of(regclass,uuid)', 'holdfast.surroundings()')
   group by f.named
  union all
  -- The keeper may place a transaction anywhere: its functions lie in one place, where the manifest names each.
  select 'definer-of-keeper', f.named, format('alter function %s owner to holdfast_owner;', f.named)
    from functions f where f.prosecdef and f.rolname = 'holdfast_keeper' and f.nspname <> 'holdfast'
  union all
  select 'executable-by-all', f.named, format('revoke execute on function %s from public;', f.named)
    from functions f join rights g on g.id = f.oid and g.grantee = 'PUBLIC'
   where f.nspname in ('holdfast', 'app') or f.prosecdef
  union all
  select 'leakproof', f.named, format('alter function %s not leakproof; -- it would run before the policies', f.named)
    from functions f where f.proleakproof
  union all
  select 'extension', e.extname, format('drop extension %I; -- not in the list of those that reach nothing beyond their caller''s rights', e.extname)
    from pg_extension e
   where e.extname <> all ('{plpgsql,btree_gin,btree_gist,citext,fuzzystrmatch,hstore,intarray,ltree,pg_trgm,unaccent}'::text[])
  union all
  select 'foreign-server', s.srvname, format('drop server %I cascade;', s.srvname) from pg_foreign_server s
$$;

-- ── Rights and roles ─────────────────────────────────────────────────────────────────────────────────────────────────

create function holdfast.weak_rights() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with rights as materialized (
    select g.*, case g.grantee when 'PUBLIC' then 'public' else quote_ident(g.grantee) end as whom,
           case when g.kind in ('table', 'column') then g.id::regclass::text end as relation
      from holdfast.rights() g
  ), tenant as (select relation from holdfast.tenant_tables())
  select 'tenant-right', format('%s on %s to %s', g.privilege, g.object, g.grantee), format('revoke %s on %s from %s;', g.privilege, g.relation, g.whom)
    from rights g
   where g.kind in ('table', 'column') and g.id in (select relation from tenant)
     and not (g.grantee = 'holdfast_app' and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
     and not (g.grantee = 'holdfast_counter' and g.privilege = 'SELECT')
  union all
  -- TRUNCATE knows no policies; a trigger or a reference is a way into others' transactions.
  select 'table-right', format('%s on %s to %s', g.privilege, g.object, g.grantee), format('revoke %s on %s from %s;', g.privilege, g.relation, g.whom)
    from rights g
   where g.kind in ('table', 'column') and g.id not in (select relation from tenant)
     and g.schema is distinct from 'pg_catalog'
     and (g.privilege not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or g.grantee = 'PUBLIC' and g.schema in ('holdfast', 'app'))
  union all
  select 'sequence-right', format('%s on %s to %s', g.privilege, g.object, g.grantee), format('revoke %s on sequence %s from %s;', g.privilege, g.object, g.whom)
    from rights g where g.kind = 'sequence'
  union all
  select 'create-right', format('%s on schema %s to %s', g.privilege, g.object, g.grantee), format('revoke create on schema %s from %s;', g.object, g.whom)
    from rights g where g.kind = 'schema' and g.privilege = 'CREATE'
  union all
  select 'database-right', format('%s to %s', g.privilege, g.grantee), format('revoke %s on database %I from %s;', g.privilege, current_database(), g.whom)
    from rights g where g.kind = 'database' and (g.privilege in ('CREATE', 'TEMPORARY') or g.grantee = 'PUBLIC')
  union all
  select 'default-right', format('%s on %s to %s', g.privilege, g.object, g.grantee),
         format('alter default privileges for role %s %s revoke all on %s from %s;', d.defaclrole::regrole, 'in schema ' || nullif(d.defaclnamespace, 0)::regnamespace,
                case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end, g.whom)
    from rights g join pg_default_acl d on d.oid = g.id where g.kind = 'default'
  union all
  -- Without this entry a new function is everybody's.
  select 'default-execute', r.role, format('alter default privileges for role %I revoke execute on functions from public;', r.role)
    from (values ('holdfast_keeper'), ('holdfast_owner')) r (role)
   where not exists (select from pg_default_acl d where pg_get_userbyid(d.defaclrole) = r.role and d.defaclobjtype = 'f' and d.defaclnamespace = 0)
  union all
  select 'parameter-right', format('%s %s to %s', g.privilege, g.object, g.grantee), format('revoke %s on parameter %s from %s;', g.privilege, g.object, g.whom)
    from rights g where g.kind = 'parameter' and not (g.grantee = 'holdfast_keeper' and g.privilege = 'SET' and g.object = 'backtrace_functions' and not g.grantable)
  union all
  -- SQL functions need a schema to be made in, and nobody has one.
  select 'language-right', format('%s to %s', g.object, g.grantee), format('revoke usage on language %I from %s;', g.object, g.whom)
    from rights g join pg_language l on l.oid = g.id
   where g.kind = 'language' and g.grantee not in ('holdfast_keeper', 'holdfast_owner') and g.object <> 'sql' and l.lanpltrusted
  union all
  select 'grant-option', format('%s on %s to %s', g.privilege, g.object, g.grantee), format('revoke grant option for %s on %s %s from %s;', g.privilege, case g.kind when 'column' then 'table' else g.kind end, coalesce(g.relation, g.object), g.whom)
    from rights g where g.grantable and g.kind in ('table', 'column', 'sequence', 'function', 'schema', 'language')
  union all
  select 'unknown-grantee', format('%s on %s %s to %s', g.privilege, g.kind, g.object, g.grantee), format('revoke %s on %s %s from %s;', g.privilege, case g.kind when 'column' then 'table' else g.kind end, coalesce(g.relation, g.object), g.whom)
    from rights g
   where g.schema in ('holdfast', 'app') and g.kind in ('table', 'column', 'function') and g.grantee <> 'PUBLIC'
     and g.grantee <> all ('{holdfast_keeper,holdfast_owner,holdfast_counter,holdfast_migrator,holdfast_app,holdfast_identity,holdfast_worker,holdfast_auditor,holdfast_prover}'::text[])
     and g.id not in (select relation from tenant)
  union all
  -- The list of bootstrap.sql, word for word.
  select 'hardening', format('%s to %s', p.oid::regprocedure, w.role), format('revoke execute on function %s from %s;', p.oid::regprocedure, w.role)
    from pg_proc p
    cross join (values ('public'), ('holdfast_app'), ('holdfast_identity'), ('holdfast_worker'), ('holdfast_auditor'), ('holdfast_prover')) w (role)
   where p.pronamespace = 'pg_catalog'::regnamespace
       and (p.proname ~ '^pg_(try_)?advisory|^lo_|^pg_stat_get_|^pg_control_|^pg_sleep|_to_xml|_to_xmlschema|_to_xml_and_xmlschema$'
         or p.proname = any ('{set_config,loread,lowrite,pg_notify,pg_terminate_backend,pg_cancel_backend,pg_logical_emit_message,
              pg_export_snapshot,pg_prepared_statement,pg_prepared_xact,pg_cursor,pg_lock_status,pg_blocking_pids,pg_safe_snapshot_blocking_pids,
              pg_isolation_test_session_is_blocked,pg_listening_channels,pg_notification_queue_usage,ts_stat,ts_rewrite,
              pg_relation_size,pg_total_relation_size,pg_table_size,pg_indexes_size,pg_database_size,pg_tablespace_size,
              pg_sequence_last_value,pg_get_sequence_data,pg_show_all_file_settings,pg_hba_file_rules,pg_current_wal_lsn,pg_current_wal_insert_lsn,
              pg_current_wal_flush_lsn,pg_current_snapshot,txid_current_snapshot,pg_snapshot_xmin,pg_xact_status,txid_status,pg_get_backend_memory_contexts,
              pg_log_backend_memory_contexts,pg_get_replication_slots,pg_last_committed_xact,pg_xact_commit_timestamp,
              pg_xact_commit_timestamp_origin,pg_get_multixact_members,pg_config,pg_backup_start,pg_backup_stop,pg_relation_filepath,pg_relation_filenode}'::text[]))
     and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
                  where x.privilege_type = 'EXECUTE' and x.grantee = case w.role when 'public' then 0 else (select r.oid from pg_roles r where r.rolname = w.role) end)
  union all
  select 'large-object', m.oid::text, format('select pg_catalog.lo_unlink(%s); -- large objects have no tenant', m.oid) from pg_largeobject_metadata m
$$;

create function holdfast.weak_roles() returns table (code text, object text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with wanted (role, login, inherit, bypass) as (values
    ('holdfast_keeper', false, false, false), ('holdfast_owner', false, false, false), ('holdfast_counter', false, false, true),
    ('holdfast_killer', false, true, false), ('holdfast_migrator', true, false, false), ('holdfast_app', true, false, false),
    ('holdfast_identity', true, false, false), ('holdfast_worker', true, false, false), ('holdfast_auditor', true, false, false),
    ('holdfast_prover', true, false, false)
  ), settings (role, setting) as (values
    ('holdfast_app', 'log_parameter_max_length=0'), ('holdfast_app', 'log_parameter_max_length_on_error=0'), ('holdfast_app', 'temp_file_limit=256MB'),
    ('holdfast_identity', 'log_parameter_max_length=0'), ('holdfast_identity', 'log_parameter_max_length_on_error=0'), ('holdfast_identity', 'temp_file_limit=64MB'),
    ('holdfast_worker', 'log_parameter_max_length=0'), ('holdfast_worker', 'log_parameter_max_length_on_error=0'), ('holdfast_worker', 'temp_file_limit=256MB'),
    ('holdfast_auditor', 'temp_file_limit=256MB'),
    ('holdfast_prover', 'log_parameter_max_length=0'), ('holdfast_prover', 'log_parameter_max_length_on_error=0'), ('holdfast_prover', 'temp_file_limit=64MB')
  ), set_now as (
    select r.rolname::text as role, one as setting, s.setdatabase
      from pg_db_role_setting s join pg_roles r on r.oid = s.setrole cross join unnest(s.setconfig) one
     where r.rolname ~ '^holdfast_' and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
  )
  select 'role-attribute', w.role, format('alter role %I nosuperuser nocreatedb nocreaterole noreplication %s %s %s;', w.role,
         case when w.bypass then 'bypassrls' else 'nobypassrls' end, case when w.login then 'login' else 'nologin' end, case when w.inherit then 'inherit' else 'noinherit' end)
    from wanted w join pg_roles r on r.rolname = w.role
   where r.rolsuper or r.rolcreatedb or r.rolcreaterole or r.rolreplication or r.rolbypassrls <> w.bypass or r.rolcanlogin <> w.login or r.rolinherit <> w.inherit
  union all
  select 'role-missing', w.role, 'run the bootstrap again, as a superuser' from wanted w where not exists (select from pg_roles r where r.rolname = w.role)
  union all
  -- Whatever can be reached by SET ROLE counts: each way there begins with one of these.
  select 'membership', format('%s in %s', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid)), format('revoke %I from %I;', pg_get_userbyid(m.roleid), pg_get_userbyid(m.member))
    from pg_auth_members m join pg_roles r on r.oid = m.member
   where (r.rolname ~ '^holdfast_' or pg_get_userbyid(m.roleid) ~ '^holdfast_') and not r.rolsuper
     and (m.admin_option or (r.rolname, pg_get_userbyid(m.roleid)) not in (
       ('holdfast_migrator', 'holdfast_keeper'), ('holdfast_migrator', 'holdfast_owner'),
       ('holdfast_killer', 'pg_signal_backend'), ('holdfast_killer', 'pg_read_all_stats')))
  union all
  select 'role-setting', format('%s: %s', n.role, n.setting), format('alter role %I %s reset %s;', n.role, case when n.setdatabase <> 0 then format('in database %I', current_database()) end, split_part(n.setting, '=', 1))
    from set_now n where n.setdatabase <> 0 or (n.role, n.setting) not in (select role, setting from settings)
  union all
  select 'role-setting', format('%s: %s is missing', s.role, s.setting), format('alter role %I set %s = %L;', s.role, split_part(s.setting, '=', 1), split_part(s.setting, '=', 2))
    from settings s where (s.role, s.setting) not in (select role, setting from set_now where setdatabase = 0)
  union all
  -- A publication sends rows past every policy.
  select 'publication', p.pubname, format('drop publication %I;', p.pubname)
    from pg_publication p
   where p.puballtables
      or exists (select from pg_publication_rel r join pg_class c on c.oid = r.prrelid where r.prpubid = p.oid and c.relnamespace in ('holdfast'::regnamespace, 'app'::regnamespace))
      or exists (select from pg_publication_namespace s where s.pnpubid = p.oid and s.pnnspid in ('holdfast'::regnamespace, 'app'::regnamespace))
$$;

/* Every way around tenant isolation that the catalogues of this database show. No row: none. `remedy` is SQL for a superuser
   where SQL can mend it. A migration that leaves one behind is refused, and so is a start. */
create function holdfast.weaknesses() returns table (code text, object text, remedy text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from holdfast.weak_tables()
  union all select * from holdfast.weak_policies()
  union all select * from holdfast.weak_keys()
  union all select * from holdfast.weak_code()
  union all select * from holdfast.weak_rights()
  union all select * from holdfast.weak_roles()
$$;

-- ── Around the database ──────────────────────────────────────────────────────────────────────────────────────────────

/* What other roles of the cluster and the server's own settings could do. It stops no start: an operator may have reasons, and
   the page shows them. A replica or a backup needs a role that reads everything: call it holdfast_backup, and it is the third
   stated hole. */
create function holdfast.surroundings() returns table (code text, object text, remedy text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'other-role', r.rolname::text, format('alter role %I nobypassrls noreplication;', r.rolname)
    from pg_roles r where (r.rolbypassrls or r.rolreplication) and not r.rolsuper and r.rolname not in ('holdfast_counter', 'holdfast_backup')
  union all
  select 'other-member', format('%s in %s', r.rolname, g.rolname), format('revoke %I from %I;', g.rolname, r.rolname)
    from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
   where not r.rolsuper and r.rolname !~ '^(pg|holdfast)_'
     and g.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_write_all_data')
  union all
  select 'file-access', format('%s to %s', p.oid::regprocedure, x.grantee::regrole), format('revoke execute on function %s from %s;', p.oid::regprocedure, x.grantee::regrole)
    from pg_proc p cross join lateral aclexplode(p.proacl) x where p.proname in ('lo_import', 'lo_export') and p.pronamespace = 'pg_catalog'::regnamespace and x.grantee <> p.proowner
  union all
  select 'server-setting', s.name || ' = ' || s.setting, w.remedy
    from (values
      ('max_prepared_transactions', '0', 'alter system set max_prepared_transactions = 0; -- a prepared transaction keeps its locks for ever'),
      ('session_replication_role', 'origin', 'alter system set session_replication_role = origin; -- else foreign keys and the audit triggers sleep'),
      ('lo_compat_privileges', 'off', 'alter system set lo_compat_privileges = off;'),
      ('allow_system_table_mods', 'off', 'alter system set allow_system_table_mods = off;'),
      ('log_statement_stats', 'off', 'alter system set log_statement_stats = off;'),
      ('auto_explain.log_min_duration', '-1', 'take auto_explain out of the preloaded libraries: it writes the values of statements to the log'),
      ('debug_print_plan', 'off', 'alter system set debug_print_plan = off; -- plans hold the values of statements'),
      ('debug_print_parse', 'off', 'alter system set debug_print_parse = off;'),
      ('debug_print_rewritten', 'off', 'alter system set debug_print_rewritten = off;')
    ) w (name, wanted, remedy) join pg_settings s on s.name = w.name and s.setting <> w.wanted
  union all
  -- Each of our roles that handles secrets is told not to log values; this is about all the others.
  select 'server-setting', 'log_parameter_max_length = ' || s.setting, 'alter system set log_parameter_max_length = 0; -- statements are logged here, and their values would be'
    from pg_settings s
   where s.name = 'log_parameter_max_length' and s.setting <> '0'
     and (current_setting('log_min_duration_statement') <> '-1' or current_setting('log_statement') <> 'none'
       or current_setting('log_min_duration_sample') <> '-1' or current_setting('log_transaction_sample_rate') <> '0')
  union all
  select 'server-setting', format('%s for %s', one, coalesce(d.datname, 'all databases')), format('alter %s reset %s;', coalesce('database ' || quote_ident(d.datname), 'role all'), split_part(one, '=', 1))
    from pg_db_role_setting s cross join unnest(s.setconfig) one left join pg_database d on d.oid = s.setdatabase
   where s.setrole = 0 and (s.setdatabase = 0 or d.datname = current_database())
     and one ~ '^(backtrace_functions|row_security|session_replication_role|session_preload_libraries|local_preload_libraries|debug_|auto_explain|log_|lo_compat)'
  union all
  -- CVE-2024-4317: clusters made before the fix keep the old views.
  select 'old-view', v.name, 'run share/fix-CVE-2024-4317.sql of a patched server in each database'
    from (values ('pg_stats_ext'), ('pg_stats_ext_exprs')) v (name) where pg_get_viewdef(('pg_catalog.' || v.name)::regclass) !~ 'pg_has_role'
$$;

/* Whether the server has the security fixes of its major version as of 12 November 2026: what is below lets the author of an
   SQL statement past policies, or past the database. */
create function holdfast.server_patch() returns table (version text, floor text, patched boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select current_setting('server_version'), coalesce(f.major || '.' || f.minor, 'newer than the list'),
         now.number >= 190000 or coalesce(now.number % 10000 >= f.minor, false)
    from (select current_setting('server_version_num')::integer) now (number)
    left join (values (14, 25), (15, 20), (16, 16), (17, 12), (18, 7)) f (major, minor) on f.major = now.number / 10000
$$;

grant execute on function holdfast.weaknesses(), holdfast.surroundings(), holdfast.server_patch(), holdfast.grants()
  to holdfast_auditor, holdfast_prover, holdfast_migrator;
