import type { Config, RetentionRule } from '../base/config.ts';
import { classOfDays } from '../base/retention-class.ts';
import { and, quoteString } from '../language/sql-writer.ts';

/** SQL of a record's retention class by the first rule that matches its tenant, service and level. */
export function retentionClass({ days, rules }: Config['retention']): string {
  const conditionOf = (rule: RetentionRule): string =>
    and(
      (['tenant', 'service', 'level'] as const).flatMap(column => {
        const wanted = rule[column];
        return wanted === undefined ? [] : [`${column} = ${quoteString(wanted)}`];
      }),
    );
  const branches = rules.flatMap(rule => [conditionOf(rule), quoteString(classOfDays(rule.days))]);
  const otherwise = quoteString(classOfDays(days));
  return branches.length === 0 ? otherwise : `multiIf(${branches.join(', ')}, ${otherwise})`;
}
