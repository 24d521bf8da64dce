import { matcherCondition } from './label-condition.ts';
import { and, quoteString, quoteStrings } from './sql-writer.ts';
import type { Matcher } from './tree.ts';

/** The conditions of a selector over the stream labels of a record; `service_name` has a column of its own. A missing label is the empty value. */
export const selectorConditions = (selector: readonly Matcher[]): string[] =>
  selector.map(m => matcherCondition(m.name === 'service_name' ? 'service' : `labels[${quoteString(m.name)}]`, m));

/** All of them at once. */
export const selectorCondition = (selector: readonly Matcher[]): string => and(selectorConditions(selector));

export function tenantCondition(tenants: readonly string[]): string {
  const [only] = tenants;
  return tenants.length === 1 && only !== undefined
    ? `tenant = ${quoteString(only)}`
    : `tenant IN ${quoteStrings(tenants)}`;
}
