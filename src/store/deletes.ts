import { randomUUID } from 'node:crypto';
import type { DeleteRequest, Deletes, Engine } from '../flow.ts';
import { quoteInteger, quoteString, quoteTime } from '../language/sql-writer.ts';
import type { TableNames } from './schema.ts';

/** LogQL (selector, filters, parsers) -> one boolean SQL expression over the columns of a record. */
export type CompileCondition = (logql: string) => string;

/**
 * The delete requests of all tenants: in the table `deletes`, one row for each state that a request came to, and in memory as of the
 * last `load`.
 */
export class DeleteRequests implements Deletes {
  readonly #engine: Engine;
  readonly #names: TableNames;
  readonly #compile: CompileCondition;
  #requests = new Map<string, DeleteRequest>();
  readonly #conditions = new Map<string, string>();

  constructor(engine: Engine, names: TableNames, compile: CompileCondition) {
    this.#engine = engine;
    this.#names = names;
    this.#compile = compile;
  }

  async load(): Promise<void> {
    const rows = await this.#engine.run({
      sql: `SELECT tenant, id, any(query) AS query, any(start) AS start, any(end) AS end, any(created) AS created, argMax(state, (at, state)) AS state
FROM ${this.#names.deletes} GROUP BY tenant, id HAVING state != 'cancelled' ORDER BY created, id`,
    });
    this.#requests = new Map(
      rows.map(r => [
        String(r.id),
        {
          tenant: String(r.tenant),
          id: String(r.id),
          query: String(r.query),
          start: BigInt(String(r.start)),
          end: BigInt(String(r.end)),
          created: BigInt(String(r.created)),
          state: r.state as DeleteRequest['state'],
        },
      ]),
    );
  }

  async #write(request: DeleteRequest, state: DeleteRequest['state'] | 'cancelled', rows = 0): Promise<void> {
    const { tenant, id, query, start, end, created } = request;
    const texts = [tenant, id, query, state].map(quoteString);
    const numbers = [start, end, created, rows].map(quoteInteger);
    await this.#engine.run({
      sql: `INSERT INTO ${this.#names.deletes} (tenant, id, query, state, start, end, created, rows) VALUES (${[...texts, ...numbers].join(', ')})`,
    });
  }

  async add(fresh: Omit<DeleteRequest, 'id' | 'state'>): Promise<DeleteRequest> {
    const request: DeleteRequest = { ...fresh, id: randomUUID().slice(0, 8), state: 'received' };
    this.#conditions.set(request.id, this.#conditionOf(request));
    await this.#write(request, 'received');
    this.#requests.set(request.id, request);
    return request;
  }

  list(tenant: string): DeleteRequest[] {
    return [...this.#requests.values()].filter(request => request.tenant === tenant);
  }

  async cancel(tenant: string, id: string): Promise<'cancelled' | 'processing' | 'unknown'> {
    const request = this.#requests.get(id);
    if (request?.tenant !== tenant) return 'unknown';
    if (request.state !== 'received') return 'processing';
    // Gone from memory first: the removal must not take it up while the note is written.
    this.#requests.delete(id);
    try {
      await this.#write(request, 'cancelled');
    } catch (error) {
      this.#requests.set(id, request);
      throw error;
    }
    return 'cancelled';
  }

  hidden(tenant: string): string[] {
    return this.list(tenant)
      .filter(({ state }) => state !== 'processed')
      .map(request => this.condition(request));
  }

  /** Requests to be carried out: those that are in progress, and those made at or before `created` (ns). */
  due(created: bigint): DeleteRequest[] {
    return [...this.#requests.values()].filter(
      r => r.state === 'processing' || (r.state === 'received' && r.created <= created),
    );
  }

  /** Note a new state, in memory first; `rows` is what the request removed. Resolves with false when it was cancelled meanwhile. */
  async note(id: string, state: 'processing' | 'processed', rows = 0): Promise<boolean> {
    const request = this.#requests.get(id);
    if (!request) return false;
    this.#requests.set(id, { ...request, state });
    try {
      await this.#write(request, state, rows);
    } catch (error) {
      this.#requests.set(id, request);
      throw error;
    }
    return true;
  }

  /** Conditions of rows received at or after `received` (ns) that must not be stored (again): their removal has begun or is over. */
  removedSince(received: bigint): string[] {
    return [...this.#requests.values()]
      .filter(r => r.state !== 'received' && r.created > received)
      .map(request => this.condition(request));
  }

  /** True when some rows may not be stored (again). */
  removes(): boolean {
    for (const { state } of this.#requests.values()) if (state !== 'received') return true;
    return false;
  }

  /** SQL over the columns of a record: what the request is for. Records received after it was made are not. */
  condition(request: DeleteRequest): string {
    const known = this.#conditions.get(request.id) ?? this.#conditionOf(request);
    this.#conditions.set(request.id, known);
    return known;
  }

  #conditionOf({ tenant, query, start, end, created }: Omit<DeleteRequest, 'id' | 'state'>): string {
    return [
      `tenant = ${quoteString(tenant)}`,
      `timestamp >= ${quoteTime(start)}`,
      `timestamp <= ${quoteTime(end)}`,
      `received < ${quoteTime(created)}`,
      `(${this.#compile(query)})`,
    ].join(' AND ');
  }
}
