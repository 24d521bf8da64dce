import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import type { Page, PageRow } from '../language/compile.ts';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Ask } from './admission.ts';

/** What a page needs beside its SQL. */
export type PageQuestion = Omit<Question, 'sql' | 'settings'> & {
  /** Called with each statement as it is sent. */
  onSql?: (sql: string) => void;
};

/** JSON makes at most six signs of one. */
const escapeMost = 6;

const textOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length;
  let sum = 0;
  if (typeof value === 'object') for (const inner of Object.values(value ?? {})) sum += textOf(inner);
  return sum;
};

/** All rows of an answer. Throws `query_limit` when they are too much for one answer; how much they really are is only looked at where it may be. */
async function collectRows(answer: Answer, max: number): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let most = 0;
  let written: number | undefined;
  for await (const batch of answer.rows)
    for (const row of batch) {
      rows.push(row);
      most += escapeMost * textOf(row);
      if (most <= max) continue;
      const fresh = written === undefined ? rows : [row];
      written = fresh.reduce((sum, one) => sum + JSON.stringify(one).length, written ?? 0);
      if (written > max)
        throw new WeirError('query_limit', {
          reason: `${rows.length} rows have more than ${max} characters as JSON, the most that one answer takes; ask for fewer rows (limit), or export them`,
        });
    }
  return rows;
}

/**
 * Ask for a page: one statement, and a second one when its cut falls between rows of one time. Records that come in between are harmless: the
 * second statement alone decides about that time.
 */
export async function askPage(
  ask: Ask,
  tenant: Tenant,
  page: Page,
  question: PageQuestion,
  textMax: number = limits.pageTextMax,
): Promise<Answer> {
  const { onSql, ...rest } = question;
  const send = (sql: Page['sql']): Promise<Answer> =>
    ask(tenant, {
      ...rest,
      settings: page.settings,
      small: page.small,
      sql: sources => {
        const text = sql(sources);
        onSql?.(text);
        return text;
      },
    });
  const first = await send(page.sql);
  const total = { ...first.summary() };
  async function* rows(): AsyncGenerator<PageRow[]> {
    const raw = await collectRows(first, textMax);
    Object.assign(total, first.summary());
    const { rows: whole, tie } = page.read(raw);
    if (whole.length > 0) yield whole;
    if (!tie || total.partial) return;
    const second = await send(page.tiedSql(tie));
    const tied = page.readTied(await collectRows(second, textMax), tie);
    const more = second.summary();
    total.readRows += more.readRows;
    total.readBytes += more.readBytes;
    total.elapsedMs += more.elapsedMs;
    total.partial = more.partial;
    total.reason = more.reason;
    if (tied.length > 0) yield tied;
  }
  return { rows: rows(), summary: () => total };
}
