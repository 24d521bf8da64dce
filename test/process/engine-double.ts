import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from 'chdb';
import { WeirError } from '../../src/base/errors.ts';
import type { Engine, SqlRows, Statement } from '../../src/flow.ts';
import type { EngineStreams } from '../../src/store/run-query.ts';

/** The real engine inside the test process, behind the type that the rooms see; no child, no HTTP. */
export type EngineDouble = Engine &
  EngineStreams & {
    /** As after a crash: statements fail from now on. */
    crash(): void;
    /** Start (again). Memory tables of before are still there; the store's own cleaning takes them away. */
    start(): Promise<void>;
    /** Forget listeners and faults of the test before. */
    reset(): void;
    /** Called before each statement; may throw, to place faults. */
    before: (sql: string) => void;
    /** Called when a statement has been carried out; may throw, as if its answer were lost. */
    after: (sql: string) => void;
  };

const quote = (value: string | number): string => (typeof value === 'number' ? String(value) : `'${value}'`);

function withSettings({ sql, settings }: Statement): string {
  const entries = Object.entries({ output_format_json_quote_64bit_integers: 1, ...settings });
  const text = entries.map(([name, value]) => `${name} = ${quote(value)}`).join(', ');
  return / SETTINGS [^()]*$/.test(sql) ? `${sql}, ${text}` : `${sql} SETTINGS ${text}`;
}

class Fault extends WeirError {
  readonly engineCode: number;
  constructor(message: string) {
    const code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 0);
    super('query_failed', { code, id: '' }, { cause: new Error(message) });
    this.engineCode = code;
  }
}

export function openDouble(directory: string, sessions = 6): EngineDouble {
  const free: Session[] = [];
  let made = 0;
  const queue: ((session: Session) => void)[] = [];
  const listeners: (() => Promise<void>)[] = [];
  let up = false;
  let crashed = false;
  let epoch = 0;

  const take = (): Promise<Session> => {
    const session = free.pop();
    if (session) return Promise.resolve(session);
    if (made < sessions) {
      made++;
      return Promise.resolve(new Session(directory));
    }
    return new Promise(resolve => queue.push(resolve));
  };
  const give = (session: Session): void => {
    const next = queue.shift();
    if (next) next(session);
    else free.push(session);
  };

  async function query(statement: Statement, format: string): Promise<string> {
    double.before(statement.sql);
    if (crashed) throw new WeirError('engine_down');
    const session = await take();
    try {
      const plain = /^\s*(CREATE|DROP|ALTER|TRUNCATE)/i.test(statement.sql) || / VALUES /.test(statement.sql);
      const answer = await session.queryAsync(plain ? statement.sql : withSettings(statement), { format });
      if (crashed) throw new WeirError('engine_down');
      double.after(statement.sql);
      return answer.text();
    } catch (error) {
      if (error instanceof WeirError) throw error;
      throw new Fault((error as Error).message);
    } finally {
      give(session);
    }
  }
  const parse = (text: string): Record<string, unknown>[] =>
    text.trim() === '' ? [] : (JSON.parse(`[${text.trim().replaceAll('\n', ',')}]`) as Record<string, unknown>[]);

  const double: EngineDouble = {
    before: () => {},
    after: () => {},
    run: async statement => parse(await query(statement, 'JSONEachRow')),
    async stream(statement) {
      const rows = parse(await query(statement, 'JSONEachRow'));
      return (async function* (): SqlRows {
        yield rows;
      })();
    },
    async raw(statement, format) {
      const text = await query(statement, format);
      return (async function* () {
        yield Buffer.from(text);
      })();
    },
    up: () => up,
    onStart: listener => void listeners.push(listener),
    epoch: () => epoch,
    crash() {
      crashed = true;
      up = false;
    },
    async start() {
      while (made !== free.length) await sleep(5);
      crashed = false;
      epoch++;
      for (const listener of listeners) await listener();
      up = true;
    },
    reset() {
      listeners.length = 0;
      double.before = () => {};
      double.after = () => {};
      crashed = false;
      up = false;
    },
  };
  return double;
}
