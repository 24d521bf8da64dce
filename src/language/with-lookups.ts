import type { LookupTables } from './lookup-table.ts';
import type { LogQuery, MetricQuery, Query, Stage } from './tree.ts';

/** The query with the tables of a tenant put into its lookup stages. A stage whose table is not there fails when it becomes SQL, with the names there are. */
export function withLookups<Q extends Query>(query: Q, tables: LookupTables): Q;
export function withLookups(query: Query, tables: LookupTables): Query {
  const stages = (list: Stage[]): Stage[] =>
    list.map(stage => (stage.kind === 'lookup' ? { ...stage, tables } : stage));
  const metric = (inner: MetricQuery): MetricQuery => {
    switch (inner.kind) {
      case 'range':
        return { ...inner, range: { ...inner.range, stages: stages(inner.range.stages) } };
      case 'vector_aggregation':
      case 'label_replace':
        return { ...inner, inner: metric(inner.inner) };
      case 'binary':
        return { ...inner, left: metric(inner.left), right: metric(inner.right) };
      case 'literal':
      case 'vector':
        return inner;
    }
  };
  return query.kind === 'logs' ? ({ ...query, stages: stages(query.stages) } satisfies LogQuery) : metric(query);
}
