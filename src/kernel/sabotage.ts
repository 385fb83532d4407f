/**
 * SQL for a sabotage that takes one piece out of a function of the database, and SQL that puts the function back as it was. The
 * whole source waits in the function's comment meanwhile. `signature`: `holdfast.enter(bytea, uuid, bigint)`. Breaking raises
 * where `piece` is not in the source, or where the function is broken already; mending twice does nothing.
 */
export function weakenFunction(
  signature: string,
  piece: string,
  instead = '',
): { readonly breakSql: string; readonly mendSql: string } {
  return {
    breakSql: `do $sabotage$
declare
  it regprocedure := ${quoted(signature)};
  was text := pg_get_functiondef(it);
  weak text := replace(was, ${quoted(piece)}, ${quoted(instead)});
begin
  if weak = was then raise exception 'the piece to take out is not in %', it; end if;
  if obj_description(it, 'pg_proc') is not null then raise exception '% has a comment: is it broken already?', it; end if;
  execute format('comment on function %s is %L', it, was);
  execute weak;
end $sabotage$`,
    mendSql: `do $sabotage$
declare
  it regprocedure := ${quoted(signature)};
  was text := obj_description(it, 'pg_proc');
begin
  if was is null then return; end if;
  execute was;
  execute format('comment on function %s is null', it);
end $sabotage$`,
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
