import { serviceNameLabels, unknownService } from '../base/fields.ts';
import { quoteMap, quoteString } from '../language/sql-writer.ts';

/** Loki's order: the first of these stream labels that is there names the service. */
const serviceLabels = ['service_name', ...serviceNameLabels];

/** Map type of the label and attribute columns. */
export const mapType = 'Map(LowCardinality(String), String)';

/** A label whose value is a Nullable(String) expression: absent where it is NULL or empty. */
export type LabelColumn = { name: string; sql: string };

/** `labels` (keys sorted, `service_name` included) and `service` from constant labels and from columns. */
export function labelsAndService(
  constant: Readonly<Record<string, string>>,
  own: readonly LabelColumn[],
): { labels: string; service: string } {
  const fixed = Object.fromEntries(Object.entries(constant).filter(([, value]) => value !== ''));
  // A record's own label wins; where it has none, the constant of the batch holds.
  const columns = own.map(({ name, sql }) =>
    fixed[name] === undefined
      ? { name, sql }
      : { name, sql: `coalesce(nullIf(${sql}, ''), ${quoteString(fixed[name])})` },
  );
  for (const { name } of columns) delete fixed[name];
  const valueOf = (name: string): string | undefined =>
    columns.find(c => c.name === name)?.sql ?? (fixed[name] === undefined ? undefined : quoteString(fixed[name]));
  const candidates = serviceLabels.flatMap(name => valueOf(name) ?? []);
  if (columns.length === 0) {
    const named = serviceLabels.map(name => fixed[name]).find(value => value !== undefined) ?? unknownService;
    const sorted = Object.entries({ ...fixed, service_name: named }).sort(([a], [b]) => (a < b ? -1 : 1));
    return { labels: `CAST(${quoteMap(Object.fromEntries(sorted))}, '${mapType}')`, service: quoteString(named) };
  }
  const service =
    candidates.length === 0
      ? quoteString(unknownService)
      : `coalesce(${candidates.map(c => `nullIf(${c}, '')`).join(', ')}, ${quoteString(unknownService)})`;
  const entries = [
    ...columns.filter(c => c.name !== 'service_name').map(({ name, sql }) => ({ name, sql: `nullIf(${sql}, '')` })),
    ...Object.entries(fixed)
      .filter(([name]) => name !== 'service_name')
      .map(([name, value]) => ({ name, sql: quoteString(value) })),
    { name: 'service_name', sql: service },
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const all = `map(${entries.map(e => `${quoteString(e.name)}, ${e.sql}`).join(', ')})`;
  return { labels: `CAST(mapFilter((k, v) -> isNotNull(v), ${all}), '${mapType}')`, service };
}
