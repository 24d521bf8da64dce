import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { WeirError } from '../../base/errors.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/**
 * What the engine needs before it holds any data: it idles at about 260 MiB resident and merges need room on top. Below this it
 * refuses work with error 241 at random moments, so a smaller budget is refused at start.
 */
export const engineBytesMin = 512 * MiB;
/** Kept free for Weir's own process (about 120 MiB idle, request bodies on top), the page cache that makes scans fast, and the system. */
const othersBytes = 512 * MiB;
/** More than this has not been seen to make any query faster; the page cache uses it better. */
const engineBytesMax = 8 * GiB;

/** Memory of the engine process, all in bytes, with the reasons in words for the start log and `weir doctor`. */
export type MemoryBudget = {
  /** What the machine or the cgroup gives to all processes together. */
  available: number;
  /** Hard limit of the whole engine; past it queries fail with error 241, the process lives. */
  engine: number;
  /** Limit of one query, and of one insert. */
  query: number;
  /** No new merge starts while merges use more than this. */
  merges: number;
  /** Size caps of the engine's caches; they count against `engine`. */
  caches: {
    marks: number;
    primaryIndex: number;
    indexMarks: number;
    textTokens: number;
    textHeaders: number;
    textPostings: number;
    queryCondition: number;
    expressions: number;
  };
  reasons: string[];
};

/** The smallest memory limit of the cgroups this process is in, v1 or v2, ancestors included; undefined when there is none. `root` is the file system root (tests). */
export function cgroupLimit(root = '/'): number | undefined {
  const read = (path: string): string => {
    try {
      return readFileSync(join(root, path), 'utf8').trim();
    } catch {
      return '';
    }
  };
  const found: number[] = [];
  for (const line of read('proc/self/cgroup').split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const v1 = controllers.split(',').includes('memory');
    if (controllers !== '' && !v1) continue;
    const [mount, file] = v1 ? ['sys/fs/cgroup/memory', 'memory.limit_in_bytes'] : ['sys/fs/cgroup', 'memory.max'];
    const parts = path.split('/').filter(part => part !== '' && part !== '..');
    for (let depth = parts.length; depth >= 0; depth--) {
      const bytes = Number.parseInt(read(join(mount, ...parts.slice(0, depth), file)), 10);
      // v1 says "no limit" with a number near 2^63, v2 with the word max
      if (bytes > 0 && bytes < 2 ** 60) found.push(bytes);
    }
  }
  return found.length > 0 ? Math.min(...found) : undefined;
}

const clamp = (low: number, value: number, high: number): number => Math.round(Math.max(low, Math.min(value, high)));
const inMiB = (bytes: number): string => `${Math.round(bytes / MiB)} MiB`;

/**
 * Divide the memory there is. `engine` is `memory` of the config, `query` is `limits.query_memory`; 0 means: compute it.
 * Throws WeirError `config_invalid` when the configured budget cannot work.
 */
export function memoryBudget(
  asked: { engine: number; query: number },
  machine = { total: totalmem(), cgroup: cgroupLimit() },
): MemoryBudget {
  const limited = machine.cgroup !== undefined && machine.cgroup < machine.total;
  const available = limited ? (machine.cgroup ?? machine.total) : machine.total;
  const reasons = [
    limited
      ? `the cgroup allows ${inMiB(available)} of the machine's ${inMiB(machine.total)}`
      : `the machine has ${inMiB(available)}`,
  ];

  let engine = asked.engine;
  if (engine > 0) {
    reasons.push(`engine ${inMiB(engine)}: configured (memory)`);
    if (engine < engineBytesMin) {
      throw new WeirError('config_invalid', {
        reason: `memory: ${engine} bytes is too little for the engine, which needs at least ${engineBytesMin} (${inMiB(engineBytesMin)})`,
      });
    }
    if (engine > available)
      throw new WeirError('config_invalid', { reason: `memory: ${engine} bytes is more than there is: ${reasons[0]}` });
  } else {
    engine = clamp(engineBytesMin, Math.min(available / 3, available - othersBytes), engineBytesMax);
    reasons.push(
      `engine ${inMiB(engine)}: a third of that, at least ${inMiB(engineBytesMin)}, at most ${inMiB(engineBytesMax)}; the rest is page cache and Weir's own process`,
    );
    if (engine + othersBytes / 2 > available)
      reasons.push('this is less memory than Weir is made for; expect refused queries (error 241) under load');
  }

  const query = asked.query > 0 ? Math.min(asked.query, engine) : Math.round(engine / 4);
  reasons.push(
    asked.query > 0
      ? `one query ${inMiB(query)}: configured (limits.query_memory)`
      : `one query ${inMiB(query)}: a quarter of the engine, so that four large ones fit`,
  );

  const share = (divisor: number, high: number): number => clamp(4 * MiB, engine / divisor, high);
  const caches = {
    // marks of 100 M rows x 16 columns are about 100 MiB compressed in memory
    marks: share(32, 256 * MiB),
    // primary keys stay in the parts (use_primary_key_cache = 0); kept small in case a table asks for it
    primaryIndex: share(64, 64 * MiB),
    indexMarks: share(64, 64 * MiB),
    textTokens: share(64, 64 * MiB),
    textHeaders: share(32, 128 * MiB),
    textPostings: share(64, 64 * MiB),
    queryCondition: share(64, 64 * MiB),
    expressions: share(64, 32 * MiB),
  };
  reasons.push(
    `caches ${inMiB(Object.values(caches).reduce((sum, bytes) => sum + bytes, 0))} at most, inside the engine's ${inMiB(engine)}`,
  );
  return { available, engine, query, merges: Math.round(engine / 2), caches, reasons };
}
