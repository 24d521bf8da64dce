import { matcherCondition } from './label-condition.ts';
import { and, quoteString, quoteStrings } from './sql-writer.ts';
import type { Matcher } from './tree.ts';

/** A selector over the stream labels of a record; `service_name` has a column of its own. A missing label is the empty value. */
export function selectorCondition(selector: readonly Matcher[]): string {
  return and(
    selector.map(m => matcherCondition(m.name === 'service_name' ? 'service' : `labels[${quoteString(m.name)}]`, m)),
  );
}

export function tenantCondition(tenants: readonly string[]): string {
  const [only] = tenants;
  return tenants.length === 1 && only !== undefined
    ? `tenant = ${quoteString(only)}`
    : `tenant IN ${quoteStrings(tenants)}`;
}
