/** Tree -> SQL. What the other rooms call. */
export {
  type Cursor,
  type Matching,
  matchingSql,
  type Paging,
  rowsSettings,
  rowsSql,
  streamCondition,
  type ToSql,
} from './logs-sql.ts';
export {
  type CompiledMetric,
  compileMetric,
  hasOneSeries,
  metricColumns,
  metricFault,
  type MetricOptions,
} from './metric-sql.ts';
export { type OfStream, type Page, pageOf, type PageOrder, type PageRow, type Tie } from './page.ts';
export { type Shaped, shapedSql, type TableColumn } from './shapes/sql.ts';
