import { serviceNameLabels, unknownService } from '../base/fields.ts';
import { quoteString } from '../language/sql-writer.ts';

/** Loki's order: the first of these stream labels that is there names the service. */
const serviceLabels = ['service_name', ...serviceNameLabels];

/** Map type of the label and attribute columns. */
export const mapType = 'Map(LowCardinality(String), String)';

/** SQL of the same map for every row. Not a constant for the engine, which copies constant maps row by row: 0.3 to 0.4 us each, twenty times what this takes (docs/decisions/0030). */
export function sameMap(entries: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(entries).map(
    ([name, text]) => `${quoteString(name)}, materialize(${quoteString(text)})`,
  );
  return `CAST(${pairs.length === 0 ? 'materialize(map())' : `map(${pairs.join(', ')})`}, '${mapType}')`;
}

/** A label whose value is a Nullable(String) expression: absent where it is NULL or empty; or, when `filled`, a String that never is. */
export type LabelColumn = { name: string; sql: string; filled: boolean };

/** `labels` (keys sorted, `service_name` included) and `service` from constant labels and from columns. */
export function labelsAndService(
  constant: Readonly<Record<string, string>>,
  own: readonly LabelColumn[],
): { labels: string; service: string } {
  const fixed = Object.fromEntries(Object.entries(constant).filter(([, value]) => value !== ''));
  // A record's own label wins; where it has none, the constant of the batch holds.
  const columns = own.map(column => {
    const otherwise = fixed[column.name];
    if (column.filled || otherwise === undefined) return column;
    return { name: column.name, sql: `coalesce(nullIf(${column.sql}, ''), ${quoteString(otherwise)})`, filled: true };
  });
  for (const { name } of columns) delete fixed[name];
  const all = [
    ...columns,
    ...Object.entries(fixed).map(([name, value]) => ({ name, sql: quoteString(value), filled: true })),
  ];
  const candidates = serviceLabels.flatMap(name => all.find(c => c.name === name) ?? []);
  if (columns.length === 0) {
    const named = serviceLabels.map(name => fixed[name]).find(value => value !== undefined) ?? unknownService;
    const sorted = Object.entries({ ...fixed, service_name: named }).sort(([a], [b]) => (a < b ? -1 : 1));
    return { labels: sameMap(Object.fromEntries(sorted)), service: quoteString(named) };
  }
  const present = ({ sql, filled }: LabelColumn): string => (filled ? sql : `nullIf(${sql}, '')`);
  const sure = candidates.findIndex(c => c.filled);
  const tried = (sure < 0 ? candidates : candidates.slice(0, sure + 1)).map(present);
  if (sure < 0) tried.push(quoteString(unknownService));
  const service = tried.length === 1 ? (tried[0] ?? '') : `coalesce(${tried.join(', ')})`;
  const entries = [
    ...all.filter(c => c.name !== 'service_name'),
    { name: 'service_name', sql: service, filled: true },
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const map = `map(${entries.map(e => `${quoteString(e.name)}, ${present(e)}`).join(', ')})`;
  const filled = entries.every(e => e.filled) ? map : `mapFilter((k, v) -> isNotNull(v), ${map})`;
  return { labels: `CAST(${filled}, '${mapType}')`, service };
}
