import type { Tenant } from '../base/record.ts';
import type { Answer, Question } from '../flow.ts';
import type { Page, PageRow } from '../language/compile.ts';
import { type Ask, collect } from './admission.ts';

/** What a page needs beside its SQL. */
export type PageQuestion = Omit<Question, 'sql' | 'settings'> & {
  /** Called with each statement as it is sent. */
  onSql?: (sql: string) => void;
};

/**
 * Ask for a page: one statement, and a second one when its cut falls between rows of one time. Records that come in between are harmless: the
 * second statement alone decides about that time.
 */
export async function askPage(ask: Ask, tenant: Tenant, page: Page, question: PageQuestion): Promise<Answer> {
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
    const raw = await collect(first);
    Object.assign(total, first.summary());
    const { rows: whole, tie } = page.read(raw);
    if (whole.length > 0) yield whole;
    if (!tie || total.partial) return;
    const second = await send(page.tiedSql(tie));
    const tied = page.readTied(await collect(second), tie);
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
