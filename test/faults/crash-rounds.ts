import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, makeClient, startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { makeRandom } from '../../bench/generate.ts';
import { json, ndjson } from '../flow/ask.ts';

/** What the producer knows: ids of acked records, and of those whose request broke off (they may or may not be stored, but whole batches only). */
export type Journal = { acked: Set<string>; unsure: string[][] };

const children = (pid: number): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(each => {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });

/** Pid of the engine child of a program. */
export function enginePid(pid: number): number | undefined {
  return children(pid).find(each => readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('engine/child'));
}

/** Post batches of 1 to 200 records from `lanes` connections until `until` resolves; every id goes into the journal. */
export async function produce(
  url: string,
  journal: Journal,
  round: number,
  until: Promise<void>,
  lanes = 4,
): Promise<void> {
  let going = true;
  void until.then(() => {
    going = false;
  });
  const random = makeRandom(round + 1);
  const client = makeClient(url, lanes);
  const lane = async (lane: number): Promise<void> => {
    for (let k = 0; going; k++) {
      const ids = Array.from({ length: 1 + (random() % 200) }, (_, i) => `r${round}l${lane}b${k}i${i}`);
      const body = ids
        .map(id => JSON.stringify({ service: `svc-${random() % 5}`, message: `record ${id} of a crash round`, id }))
        .join('\n');
      // Enough to have something in flight at any moment, not so much that checking it takes longer than the rounds.
      await sleep(5);
      try {
        const reply = await client.post('/ingest/json', `${body}\n`, ndjson);
        if (reply.status === 200) for (const id of ids) journal.acked.add(id);
        else if (reply.status < 500) throw new Error(`unexpected status ${reply.status}: ${reply.body}`);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('unexpected')) throw error;
        journal.unsure.push(ids);
        if (!going) return;
        await sleep(20);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
  client.close();
}

/** Ids of all stored records, with how often each is found. The export is read as it comes: it is longer than any string can be. */
export async function storedIds(target: Pick<UnderTest, 'url'>): Promise<Map<string, number>> {
  const reply = await fetch(`${target.url}/api/v1/export`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      query: '',
      start: '1970-01-01T00:00:00Z',
      end: '2262-01-01T00:00:00Z',
      format: 'ndjson',
    }),
  });
  if (reply.status !== 200 || !reply.body)
    throw new Error(`export answered ${reply.status}: ${(await reply.text()).slice(0, 500)}`);
  const found = new Map<string, number>();
  let rest = '';
  for await (const part of reply.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const id = /record (\w+) of a crash round/.exec(line)?.[1];
      if (id) found.set(id, (found.get(id) ?? 0) + 1);
    }
  }
  return found;
}

/** The promise, checked: acked records exactly once, unsure batches whole or not at all and never twice. Gives the faults. */
export function compare(journal: Journal, found: Map<string, number>): string[] {
  const faults: string[] = [];
  for (const id of journal.acked) if (!found.has(id)) faults.push(`lost: ${id}`);
  for (const [id, times] of found) if (times !== 1) faults.push(`${times} times: ${id}`);
  for (const ids of journal.unsure) {
    const stored = ids.filter(id => found.has(id)).length;
    if (stored !== 0 && stored !== ids.length) faults.push(`torn batch: ${stored} of ${ids.length} of ${ids[0]}`);
  }
  return faults;
}

export type Rounds = { journal: Journal; target: UnderTest; slowestReadyMs: number };

/**
 * `rounds` times: load, then SIGKILL without warning, alternately the whole program (and start it again) and its engine only (ingest has
 * to go on). The program is left running for the caller to question and stop.
 */
export async function crashRounds(folder: string, rounds: number, config: string): Promise<Rounds> {
  const journal: Journal = { acked: new Set(), unsure: [] };
  const port = await freePort();
  let target = await startWeir({ folder, config, port });
  let slowestReadyMs = 0;
  const random = makeRandom(rounds);
  for (let round = 0; round < rounds; round++) {
    let stopLoad: () => void = () => undefined;
    const until = new Promise<void>(done => {
      stopLoad = done;
    });
    const load = produce(target.url, journal, round, until);
    await sleep(150 + (random() % 500));
    const engine = round % 2 === 1 ? enginePid(target.pid) : undefined;
    if (engine !== undefined) {
      process.kill(engine, 'SIGKILL');
      const before = journal.acked.size;
      await sleep(250);
      if (journal.acked.size === before)
        throw new Error(`round ${round}: no ack in 250 ms while the engine is down; ingest must go on`);
      stopLoad();
      await load;
    } else {
      const killed = target.kill();
      stopLoad();
      await Promise.all([killed, load]);
      const started = Date.now();
      target = await startWeir({ folder, config, port });
      slowestReadyMs = Math.max(slowestReadyMs, Date.now() - started);
    }
  }
  return { journal, target, slowestReadyMs };
}
