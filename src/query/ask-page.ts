import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import type { Page, PageRow } from '../language/compile.ts';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Ask } from './admission.ts';
import type { KnownStreams } from './known-streams.ts';

/** What a page needs beside its SQL. */
export type PageQuestion = Omit<Question, 'sql' | 'settings'> & {
  /** Where rows may take from what their streams determine. */
  streams?: KnownStreams | undefined;
  /** Called with each statement as it is sent. */
  onSql?: (sql: string) => void;
};

/** JSON makes at most six signs of one. */
const escapeMost = 6;

const textOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length;
  let sum = 0;
  if (typeof value === 'object')
    for (const name in value) sum += name.length + textOf((value as Record<string, unknown>)[name]);
  return sum;
};

/**
 * All rows of an answer. Throws `query_limit` when they are too much for one answer; how much they really are is only looked at where it may be. `complete` is
 * called with each batch before; when it cannot do its work the answer is broken off, and there are no rows.
 */
async function collectRows(
  answer: Answer,
  max: number,
  complete: (rows: Record<string, unknown>[]) => boolean = () => true,
): Promise<Record<string, unknown>[] | undefined> {
  const rows: Record<string, unknown>[] = [];
  let most = 0;
  let written: number | undefined;
  for await (const batch of answer.rows) {
    if (!complete(batch)) return undefined;
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
  }
  return rows;
}

/**
 * Ask for a page: one statement, and a second one when its cut falls between rows of one time. Records that come in between are harmless: the
 * second statement alone decides about that time. Where all streams seem to be known the rows are asked for without what these determine, and once more whole
 * if one is not.
 */
export async function askPage(
  ask: Ask,
  tenant: Tenant,
  page: Page,
  question: PageQuestion,
  textMax: number = limits.pageTextMax,
): Promise<Answer> {
  const { onSql, streams, ...rest } = question;
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
  const briefSql = streams?.familiar(tenant) ? page.briefSql : undefined;
  const first = await send(briefSql ?? page.sql);
  const total = { ...first.summary() };
  const add = (more: ReturnType<Answer['summary']>): void => {
    total.readRows += more.readRows;
    total.readBytes += more.readBytes;
    total.elapsedMs += more.elapsedMs;
    total.partial = more.partial;
    total.reason = more.reason;
  };
  async function* rows(): AsyncGenerator<PageRow[]> {
    let raw = await collectRows(first, textMax, briefSql && streams && (batch => streams.fill(tenant, batch)));
    Object.assign(total, first.summary());
    let isWhole = briefSql === undefined;
    if (!raw) {
      const again = await send(page.sql);
      raw = (await collectRows(again, textMax)) ?? [];
      add(again.summary());
      isWhole = true;
    }
    if (isWhole && page.briefSql) streams?.learn(tenant, raw);
    const { rows: whole, tie } = page.read(raw);
    if (whole.length > 0) yield whole;
    if (!tie || total.partial) return;
    const second = await send(page.tiedSql(tie));
    const tied = page.readTied((await collectRows(second, textMax)) ?? [], tie);
    add(second.summary());
    if (tied.length > 0) yield tied;
  }
  return { rows: rows(), summary: () => total };
}
