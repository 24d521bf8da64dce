import type { Tenant } from '../base/record.ts';
import type { OfStream } from '../language/compile.ts';

type Row = Record<string, unknown>;

/** The streams that pages of one tenant have shown. */
type Known = {
  streams: Map<string, OfStream>;
  /** So many pages in a row had no stream that was new. */
  familiar: number;
};

/** A page that has to be asked again costs ten times what a brief one spares. */
const familiarLeast = 10;
/** Signs that a stream or a tenant takes beside its text. */
const overhead = 100;

const charactersOf = ({ labels, service }: OfStream): number => {
  let sum = overhead + service.length;
  for (const name in labels) sum += name.length + (labels[name]?.length ?? 0);
  return sum;
};

/**
 * Labels and service by tenant and stream, so that the engine need not read them for each row of a page. A stream is a hash of its tenant and labels, so what
 * is known of one holds for ever, across restarts of the engine and delete requests. Only for a store that nobody else writes into.
 * All is forgotten when it comes to more than `charactersMax`.
 */
export class KnownStreams {
  readonly #charactersMax: number;
  #tenants = new Map<Tenant, Known>();
  #characters = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** Whether the streams of the next page are most likely known: those of the last ones were. */
  familiar(tenant: Tenant): boolean {
    return (this.#tenants.get(tenant)?.familiar ?? 0) >= familiarLeast;
  }

  /** Put `labels` and `service` into rows that have only `stream`. False when one is unknown: then some rows have none. */
  fill(tenant: Tenant, rows: readonly Row[]): boolean {
    const known = this.#tenants.get(tenant);
    for (const row of rows) {
      const found = known?.streams.get(row.stream as string);
      if (!found) {
        if (known) known.familiar = 0;
        return false;
      }
      row.labels = found.labels;
      row.service = found.service;
    }
    return true;
  }

  /** Learn from rows that have all columns. */
  learn(tenant: Tenant, rows: readonly Row[]): void {
    let known = this.#tenants.get(tenant);
    if (!known) {
      known = { streams: new Map(), familiar: 0 };
      this.#tenants.set(tenant, known);
      this.#characters += overhead + tenant.length;
    }
    let fresh = 0;
    for (const row of rows) {
      const stream = row.stream as string;
      if (known.streams.has(stream)) continue;
      const found: OfStream = { labels: row.labels as Record<string, string>, service: row.service as string };
      known.streams.set(stream, found);
      this.#characters += charactersOf(found);
      fresh++;
    }
    known.familiar = fresh === 0 ? known.familiar + 1 : 0;
    if (this.#characters <= this.#charactersMax) return;
    this.#tenants = new Map();
    this.#characters = 0;
  }
}
