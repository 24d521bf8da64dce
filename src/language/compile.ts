/** Tree -> SQL. What the other rooms call. */
export { type CompiledLogs, compileLogs, logColumns, type LogsOptions } from './compile-logs.ts';
export { type CompiledMetric, compileMetric, metricColumns, metricFault, type MetricOptions } from './metric-sql.ts';
