import { defineControl } from '../../kernel/control.ts'
import { claims } from './claims.ts'
import { probes } from './probes.ts'

const first = `(select table_name from holdfast.table_class where class = 'tenant' and table_name like 'app.%'
    and table_name not in (select table_name from holdfast.recorded_elsewhere) order by 1 limit 1)`

export const auditLog = defineControl({
  name: 'audit-log',
  claims,
  probes,
  sabotages: [
    {
      title: 'One table records its updates no more',
      turnsRed: ['audit-log/every-change-is-recorded'],
      breakSql: `do $$ begin execute format('drop trigger if exists record_update on %s', ${first}); end $$`,
      mendSql: `do $$ begin
        execute format('set local role %I', (select relowner::regrole::text from pg_class where oid = ${first}::regclass));
        perform holdfast.audit_table(${first}::regclass);
      end $$`,
    },
    {
      title: 'The application may rewrite events',
      turnsRed: ['audit-log/every-change-is-recorded'],
      breakSql: 'grant update on holdfast.event to holdfast_app',
      mendSql: 'revoke update on holdfast.event from holdfast_app',
    },
  ],
})
